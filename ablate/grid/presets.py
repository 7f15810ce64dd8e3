"""The named presets, and the settings that every cell of a grid starts from."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ablate.grid.cell_keys import cell_keys, default_values, is_term, keyed
from ablate.grid.locate import KeyPath
from ablate.grid.mistakes import nearest, there_is
from ablate.grid.sheet import Sheet

_FOLDER = files("ablate.grid") / "presets"


def preset_names() -> tuple[str, ...]:
    """Returns the presets that ship."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


def preset_text(name: str) -> str:
    """Returns the file of a preset."""
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def preset_values(name: str) -> dict[str, Any]:
    """Returns the settings of a preset by dotted name, on top of the defaults."""
    sheet = Sheet(Path(f"{name}.toml"), preset_text(name))
    values = default_values()
    _merge(sheet, sheet.data, (), values)
    assert not sheet.mistakes, "\n".join(map(str, sheet.mistakes))
    return values


def read_base(sheet: Sheet) -> dict[str, Any]:
    """Returns the settings that every cell starts from: defaults, then the preset, then what [base] says."""
    table = dict(sheet.table("base"))
    values = _read_preset(sheet, table.pop("preset")) if "preset" in table else default_values()
    _merge(sheet, table, ("base",), values)
    return values


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turns dotted names into nested tables; the option of a term lands in the term."""
    tree: dict[str, Any] = {}
    for name in sorted(values, key=lambda name: name.count(".")):
        *groups, last = name.split(".")
        table = tree
        for group in groups:
            table = table.setdefault(group, {})
        value = values[name]
        table[last] = dict(value) if isinstance(value, dict) else value
    return tree


def _read_preset(sheet: Sheet, name: Any) -> dict[str, Any]:
    where = ("base", "preset")
    if isinstance(name, str) and name in preset_names():
        return preset_values(name)
    hint = nearest(name, preset_names()) if isinstance(name, str) else ""
    sheet.report(where, "base.preset", "unknown preset", found=name, allowed=there_is(preset_names()), hint=hint)
    sheet.refused_keys |= set(cell_keys())
    return default_values()


def _merge(sheet: Sheet, table: dict[str, Any], where: KeyPath, values: dict[str, Any]) -> None:
    """Puts the values of a table over those that are there; an option goes into the term that is then there."""
    options = []
    for key, raw, at in keyed(sheet, table, where, is_term):
        value = sheet.read(key, raw, at)
        if value is None:
            sheet.refused_keys.add(key.name)
        elif key.name in cell_keys():
            values[key.name] = value
        else:
            options.append((key.name, value, at))
    for name, value, at in options:
        _set_option(sheet, name, value, at, values)


def _set_option(sheet: Sheet, name: str, value: Any, at: KeyPath, values: dict[str, Any]) -> None:
    term, _, option = name.rpartition(".")
    whole, refusals = cell_keys()[term].read({**values[term], option: value})
    for refusal in refusals:
        sheet.report(at, name, refusal.problem, found=value, allowed=refusal.allowed, hint=refusal.hint)
    if whole is None:
        sheet.refused_keys.add(term)
    else:
        values[term] = whole
