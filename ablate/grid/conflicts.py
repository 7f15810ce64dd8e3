"""Combinations of values that are valid one by one and make no cell together: told once, by their smallest part."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from ablate.grid.assemble import Failure
from ablate.grid.axes import Combination, Factor, Level, levels_of
from ablate.grid.cell_keys import cell_keys
from ablate.grid.locate import KeyPath
from ablate.grid.mistakes import toml_key, toml_text
from ablate.grid.sheet import Sheet


def report_conflicts(
    sheet: Sheet, factors: Sequence[Factor], valid: Sequence[Combination], failures: Mapping[Combination, Failure]
) -> None:
    """Notes the smallest sets of axis values that no valid combination has, and the exclude that would drop each."""
    left = {combination: f for combination, f in failures.items() if not _follows_from_refused(sheet, f)}
    if not valid:
        _report_all_fail(sheet, factors, left)
        return
    for size in range(1, len(factors) + 1):
        for subset in itertools.combinations(range(len(factors)), size):
            possible = {_part(combination, subset) for combination in valid}
            by_part: dict[Combination, list[Combination]] = {}
            for combination in left:
                if _part(combination, subset) not in possible:
                    by_part.setdefault(_part(combination, subset), []).append(combination)
            involved = [factors[index] for index in subset]
            for part, combinations in by_part.items():
                _report_part(sheet, involved, part, left[combinations[0]].message, len(combinations))
            left = {c: failure for c, failure in left.items() if _part(c, subset) in possible}


def report_failure(sheet: Sheet, failure: Failure, where: KeyPath, key: str) -> None:
    """Notes that settings given at one place make no cell."""
    if not _follows_from_refused(sheet, failure):
        sheet.report(where, key, failure.message)


def _part(combination: Combination, subset: Sequence[int]) -> Combination:
    return tuple(combination[index] for index in subset)


def _report_part(sheet: Sheet, factors: Sequence[Factor], part: Combination, message: str, count: int) -> None:
    levels = levels_of(factors, part)
    told = ", ".join(f"{key.name} = {_text(level)}" for key, level in levels)
    where = "{ " + ", ".join(f"{toml_key(key.name)} = {_text(level)}" for key, level in levels) + " }"
    cells = f"{count} combination{'s' if count > 1 else ''}"
    hint = f'to leave out the {cells}, add [[exclude]] with where = {where} and reason = "…"'
    sheet.report(levels[0][1].where, told, message, hint=hint)


def _report_all_fail(sheet: Sheet, factors: Sequence[Factor], failures: Mapping[Combination, Failure]) -> None:
    for combination, failure in failures.items():
        where, key = _mentioned(sheet, factors, combination, failure.message)
        sheet.report(where, key, failure.message)


def _mentioned(sheet: Sheet, factors: Sequence[Factor], combination: Combination, message: str) -> tuple[KeyPath, str]:
    """Returns where the file gives one of the keys that a message is about."""
    for key, level in levels_of(factors, combination):
        if key.name in message:
            return level.where, f"{key.name} = {_text(level)}"
    for name in cell_keys():
        where = ("base", *name.split("."))
        if name in message and sheet.has(where):
            return where, ""
    return ("base",), ""


def _follows_from_refused(sheet: Sheet, failure: Failure) -> bool:
    """Returns whether a mistake that is told already may be the cause, since the value that was meant is unknown."""
    in_section = failure.section and any(key.startswith(f"{failure.section}.") for key in sheet.refused_keys)
    return bool(in_section) or any(key in failure.message for key in sheet.refused_keys)


def _text(level: Level) -> str:
    value = level.value
    return toml_text(value["name"] if isinstance(value, dict) and value.keys() == {"name"} else value)
