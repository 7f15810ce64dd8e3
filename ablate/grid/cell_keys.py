"""The keys of a cell by their dotted names, and the tables of a grid file that are keyed by them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from ablate.config import Cell, Settings, Term
from ablate.grid.keys import Key, option_key
from ablate.grid.locate import KeyPath
from ablate.grid.sheet import Sheet
from ablate.sources.protocol import SPLITS

FILLED_IN = (
    "seed", "replicate", "data.defined_by", *(f"data.{split}_digest" for split in SPLITS),
    "data.train_maps_digest", "data.test_maps_digest", "evaluation.set_digests",
)  # fmt: skip
"""Settings of a cell that no grid file gives: the first two come from [seeds], the others from the images."""


@cache
def cell_keys() -> dict[str, Key]:
    """Returns every key of a cell that a grid file may give, in the order of the settings."""
    return {key.name: key for key, _ in _keys(Cell, "")}


@cache
def cell_groups() -> dict[str, list[str]]:
    """Returns what each group of settings holds, by its dotted name; "" is the cell itself."""
    groups: dict[str, list[str]] = {}
    for name in cell_keys():
        parts = name.split(".")
        for depth, part in enumerate(parts):
            names = groups.setdefault(".".join(parts[:depth]), [])
            if part not in names:
                names.append(part)
    return groups


def cell_key(name: str) -> Key | None:
    """Returns the key of a dotted name: a setting, or an option of a term such as loss.adversarial.real_target."""
    term, _, option = name.rpartition(".")
    if name not in cell_keys() and term in cell_keys() and cell_keys()[term].registry is not None:
        return option_key(cell_keys()[term], option)
    return cell_keys().get(name)


def default_values() -> dict[str, Any]:
    """Returns the value of every key that has one where neither a preset nor the file says otherwise."""
    values: dict[str, Any] = {}
    for key, default in _keys(Cell, ""):
        if isinstance(default, Term):
            values[key.name] = {"name": default.name, **default.options}
        elif key.items is not None:
            values[key.name] = tuple({"name": term.name, **term.options} for term in default)
        elif default is not None:
            values[key.name] = default
    return values


def keyed(
    sheet: Sheet, table: dict[str, Any], where: KeyPath, is_value: Callable[[dict[str, Any]], bool]
) -> Iterator[tuple[Key, Any, KeyPath]]:
    """Goes through a table keyed by dotted names, by nested tables or both; a leading "base." means nothing.

    `is_value` says whether a table under a term is a value of it, and not a table of its options.
    """
    seen: set[str] = set()
    for key, raw, at in _walk(sheet, table, where, "", is_value):
        if key.name in seen:
            sheet.report(at, key.name, "given twice", found=raw)
        seen.add(key.name)
        yield key, raw, at


def is_term(table: dict[str, Any]) -> bool:
    """Returns whether a table is a term of its own; without a name it changes options of the term that is there."""
    return "name" in table


def _keys(settings: type[Settings], prefix: str) -> Iterator[tuple[Key, Any]]:
    for name, info in settings.model_fields.items():
        if prefix + name in FILLED_IN:
            continue
        if isinstance(info.annotation, type) and issubclass(info.annotation, Settings) and info.annotation is not Term:
            yield from _keys(info.annotation, f"{prefix}{name}.")
        else:
            yield Key.of_field(prefix + name, info), info.get_default(call_default_factory=True)


def _walk(
    sheet: Sheet, table: dict[str, Any], where: KeyPath, prefix: str, is_value: Callable[[dict[str, Any]], bool]
) -> Iterator[tuple[Key, Any, KeyPath]]:
    for part, raw in table.items():
        at, name = (*where, part), _without_base(f"{prefix}{part}")
        key = cell_key(name)
        if name in cell_groups():
            if isinstance(raw, dict):
                yield from _walk(sheet, raw, at, f"{name}." if name else "", is_value)
            else:
                allowed = f"allowed: a table, its keys are {', '.join(cell_groups()[name])}"
                sheet.report(at, name, "a group of settings", found=raw, allowed=allowed)
        elif key is None:
            _report_unknown(sheet, name, at)
        elif key.registry is not None and isinstance(raw, dict) and raw and not is_value(raw):
            yield from _walk(sheet, raw, at, f"{name}.", is_value)
        else:
            yield key, raw, at


def _without_base(name: str) -> str:
    return "" if name == "base" else name.removeprefix("base.")


def _report_unknown(sheet: Sheet, name: str, at: KeyPath) -> None:
    parts = name.split(".")
    depth = next(depth for depth in range(len(parts) - 1, -1, -1) if ".".join(parts[:depth]) in cell_groups())
    siblings = ["preset"] if at[0] == "base" and not depth else []
    siblings += cell_groups()[".".join(parts[:depth])]
    meant = _meant(parts, depth, siblings)
    hint = f"did you mean {meant!r}?" if meant else ""
    if parts[-1] in ("seed", "seeds", "replicate"):
        meant, hint = None, "seeds are given in [seeds]"
    elif name in FILLED_IN:
        meant, hint = None, "it is computed from the images"
    if meant:
        sheet.refused_keys.add(meant)
    sheet.unknown_key(at, name, siblings, hint)


def _meant(parts: list[str], depth: int, siblings: list[str]) -> str | None:
    """Looks beside the first unknown part, then for a setting with a like last part anywhere."""
    near = difflib.get_close_matches(parts[depth], siblings, n=1, cutoff=0.6)
    if near:
        rest = [] if near[0] == parts[depth] else parts[depth + 1 :]
        return ".".join([*parts[:depth], near[0], *rest])
    last = {name.rpartition(".")[2]: name for name in reversed(cell_keys())}
    near = difflib.get_close_matches(parts[-1], list(last), n=1, cutoff=0.75)
    return last[near[0]] if near else None
