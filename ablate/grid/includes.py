"""Whole cells that a grid adds beside its design: [[include]] set = { … }, label = "…"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.config import Cell
from ablate.grid.assemble import Assembly, Failure
from ablate.grid.axes import Factor
from ablate.grid.cell_keys import cell_keys, is_term, keyed
from ablate.grid.conflicts import report_failure
from ablate.grid.locate import KeyPath
from ablate.grid.sheet import Sheet

_WORDS = ["set", "label"]


@dataclass(frozen=True)
class Include:
    """A cell on the base with the values of `set`, by dotted key; `axes` also holds what it has for each axis."""

    where: KeyPath
    set: Mapping[str, Any]
    label: str
    axes: Mapping[str, Any]
    cell: Cell


def read_includes(
    sheet: Sheet, assembly: Assembly, base: Mapping[str, Any], factors: Sequence[Factor]
) -> tuple[Include, ...]:
    """Reads every include that makes a cell; what is wrong with the others is noted."""
    includes: list[Include] = []
    for where, table in sheet.tables("include"):
        for part in table:
            if part not in _WORDS:
                sheet.unknown_key((*where, part), f"include.{part}", _WORDS)
        label = _read_label(sheet, table, where)
        changed, texts = _read_set(sheet, table, where)
        cell = assembly.changed(changed)
        if isinstance(cell, Failure):
            report_failure(sheet, cell, (*where, "set"), "include.set")
        else:
            includes.append(Include(where, texts, label, _axes(base, factors) | texts, cell))
    return tuple(includes)


def _read_label(sheet: Sheet, table: dict[str, Any], where: KeyPath) -> str:
    label = table.get("label")
    if "label" not in table:
        sheet.report(where, "include.label", "missing; the report calls the cell by it")
    elif not isinstance(label, str) or not label.strip():
        sheet.report((*where, "label"), "include.label", "wrong type", found=label, allowed="allowed: a short name")
    return str(label)


def _read_set(sheet: Sheet, table: dict[str, Any], where: KeyPath) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the values that are set, and the same as plain data."""
    allowed = 'allowed: a table like { "loss.adversarial" = "none" }'
    if "set" not in table:
        sheet.report(where, "include.set", "missing", allowed=allowed)
        return {}, {}
    if not isinstance(table["set"], dict) or not table["set"]:
        sheet.report((*where, "set"), "include.set", "wrong type", found=table["set"], allowed=allowed)
        return {}, {}
    read = [(key, sheet.read(key, raw, at)) for key, raw, at in keyed(sheet, table["set"], (*where, "set"), is_term)]
    known = [(key, value) for key, value in read if value is not None]
    return {key.name: value for key, value in known}, {key.name: key.text(value) for key, value in known}


def _axes(base: Mapping[str, Any], factors: Sequence[Factor]) -> dict[str, Any]:
    names = [key.name for factor in factors for key in factor.keys]
    return {name: cell_keys()[name].text(base[name]) for name in names if name in base}
