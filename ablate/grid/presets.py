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


def system_names() -> tuple[str, ...]:
    """Returns the published systems whose losses ship as presets; they go on top of a preset that is a whole cell."""
    files_there = (_FOLDER / "systems").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files_there if file.name.endswith(".toml")))


def preset_text(name: str) -> str:
    """Returns the file of a preset."""
    folder = _FOLDER / "systems" if name in system_names() else _FOLDER
    return (folder / f"{name}.toml").read_text(encoding="utf-8")


def preset_values(*names: str) -> dict[str, Any]:
    """Returns the settings of presets by dotted name, each on top of those before it, the first on the defaults."""
    values = default_values()
    for name in names:
        sheet = Sheet(Path(f"{name}.toml"), preset_text(name))
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


def _read_preset(sheet: Sheet, given: Any) -> dict[str, Any]:
    """Reads a preset's name, or a list of names of which each goes on top of those before it."""
    known = (*preset_names(), *system_names())
    names = given if isinstance(given, list) else [given]
    unknown = [index for index, name in enumerate(names) if name not in known]
    for index in unknown:
        where = ("base", "preset", index) if isinstance(given, list) else ("base", "preset")
        hint = nearest(names[index], known) if isinstance(names[index], str) else ""
        sheet.report(where, "base.preset", "unknown preset", found=names[index], allowed=there_is(known), hint=hint)
    if not names:
        sheet.report(("base", "preset"), "base.preset", "names none", found=given, allowed=there_is(known))
    if unknown or not names:
        sheet.refused_keys |= set(cell_keys())
        return default_values()
    return preset_values(*names)


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
