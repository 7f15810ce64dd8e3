"""The axes of a grid: [axes], each on its own, and [[zip]], whose keys change together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.grid.cell_keys import cell_keys, keyed
from ablate.grid.keys import Key
from ablate.grid.locate import KeyPath
from ablate.grid.mistakes import nearest, there_is
from ablate.grid.sheet import Sheet

SPACINGS = ("log", "lin")
ZIP_WORDS = ("label", "labels")
"""Keys of a zip that say what it and its choices are called."""
MOST_LEVELS = 10_000
_SPEC_FORM = "allowed: a list, { log = [a, b], num = n }, { lin = [a, b], num = n } or { values = […], labels = […] }"

_MEASURED = "it says how cells are measured, and a cell is its training: cells that differ in it alone are one"
_IN_LISTS = "write what shall be measured into the lists of [base.evaluation], and every cell is measured by all of it"


@dataclass(frozen=True)
class Level:
    """One value of one key, the label that the file gives it, and where it lies in the file."""

    value: Any
    where: KeyPath
    label: str | None = None


@dataclass(frozen=True)
class Factor:
    """Keys that change together, one key for an axis; `choices` holds a level for each of them.

    `refused` are values that the file gives and that could not be read. A zip may have a `label`, and one for each of
    its choices.
    """

    keys: tuple[Key, ...]
    choices: tuple[tuple[Level, ...], ...]
    where: KeyPath
    refused: tuple[Any, ...] = ()
    label: str = ""
    labels: tuple[str, ...] = ()

    def called(self, choice: int) -> str | None:
        """Returns what the file calls a choice, None where it gives it no name."""
        if len(self.keys) == 1:
            return self.choices[choice][0].label
        return self.labels[choice] if choice < len(self.labels) else None


Combination = tuple[int, ...]
"""Which choice of each factor."""


def levels_of(factors: Sequence[Factor], combination: Combination) -> list[tuple[Key, Level]]:
    """Returns every key of the factors with its level in a combination."""
    return [
        pair
        for factor, index in zip(factors, combination, strict=True)
        for pair in zip(factor.keys, factor.choices[index], strict=True)
    ]


def read_factors(sheet: Sheet) -> tuple[Factor, ...]:
    """Reads every axis and every zip, in the order of the file."""
    factors = [*_axes(sheet), *_zips(sheet)]
    owner: dict[str, KeyPath] = {}
    for factor in factors:
        for key in factor.keys:
            if key.name.startswith("evaluation."):
                sheet.report(factor.where, key.name, _MEASURED, hint=_IN_LISTS)
            if key.name in owner and owner[key.name] != factor.where:
                at = sheet.line(owner[key.name])
                sheet.report(factor.where, key.name, f"varies already on line {at}")
            owner.setdefault(key.name, factor.where)
        if not factor.choices:
            sheet.refused_keys |= {key.name for key in factor.keys}
    return tuple(factor for factor in factors if factor.choices)


def check_options(sheet: Sheet, factors: Sequence[Factor], base: Mapping[str, Any]) -> None:
    """Notes axes over an option that no term of the grid has."""
    levels = [(key, choice[place]) for f in factors for place, key in enumerate(f.keys) for choice in f.choices]
    for key, where in {key.name: (key, level.where) for key, level in reversed(levels)}.values():
        name, _, option = key.name.rpartition(".")
        registry = cell_keys()[name].registry if key.name not in cell_keys() else None
        if registry is None:
            continue
        terms = [level.value for other, level in levels if other.name == name] or [base[name]]
        options = sorted({option for term in terms for option in registry[term["name"]].options})
        if option not in options:
            meant = f"did you mean {name!r}?" if option == "name" else nearest(option, options)
            sheet.unknown_key(where[:-1], key.name, options, meant)
            sheet.refused_keys.add(key.name)


def _axes(sheet: Sheet) -> Iterator[Factor]:
    for key, raw, where in keyed(sheet, sheet.table("axes"), ("axes",), _is_values):
        levels, refused = _read_levels(sheet, key, raw, where)
        yield Factor((key,), tuple((level,) for level in levels), where, tuple(refused))


def _zips(sheet: Sheet) -> Iterator[Factor]:
    for where, table in sheet.tables("zip"):
        entries = keyed(sheet, {key: raw for key, raw in table.items() if key not in ZIP_WORDS}, where, _is_values)
        columns = [(key, *_read_levels(sheet, key, raw, at)) for key, raw, at in entries]
        refused = [value for *_, values in columns for value in values]
        lengths = {key.name: len(levels) for key, levels, _ in columns}
        if len(columns) < 2:
            sheet.report(where, "zip", "fewer than two keys", hint="a key that changes alone belongs to [axes]")
        elif len(set(lengths.values())) > 1 and not refused:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            sheet.report(where, "zip", f"lists of unequal length: {told}")
            refused = [level.value for _, levels, _ in columns for level in levels]
        choices = tuple(zip(*(levels for _, levels, _ in columns), strict=True)) if not refused else ()
        label, labels = _zip_label(sheet, table, where), _zip_labels(sheet, table, where, len(choices) or None)
        yield Factor(tuple(key for key, *_ in columns), choices, where, tuple(refused), label, labels)


def _zip_label(sheet: Sheet, table: dict[str, Any], where: KeyPath) -> str:
    label = table.get("label", "")
    if "label" in table and not (isinstance(label, str) and re.fullmatch(r"[^\s=]+", label)):
        sheet.report((*where, "label"), "zip.label", "not a name", found=label, allowed="allowed: a word like betas")
        return ""
    return str(label)


def _zip_labels(sheet: Sheet, table: dict[str, Any], where: KeyPath, count: int | None) -> tuple[str, ...]:
    if "labels" in table and "label" not in table:
        sheet.report(
            where, "zip.label", "missing; labels say what its levels are called, and it what they are levels of"
        )
    return tuple(_labels(sheet, "zip", table.get("labels"), count, where) or ())


def _is_values(table: dict[str, Any]) -> bool:
    return any(word in table for word in (*SPACINGS, "values"))


def _read_levels(sheet: Sheet, key: Key, raw: Any, where: KeyPath) -> tuple[list[Level], list[Any]]:
    """Returns the values that can be read and the raw values that cannot."""
    labels = None
    if isinstance(raw, dict) and "values" in raw:
        labels = _read_labels(sheet, key, raw, where)
        where, raw = (*where, "values"), raw["values"]
    elif isinstance(raw, dict):
        raw = _spaced(sheet, key, raw, where)
    if not isinstance(raw, list) or not raw:
        if raw is not None:
            problem = "an axis without a value" if raw == [] else "not a list of values"
            sheet.report(where, key.name, problem, found=raw, allowed=_SPEC_FORM)
        return [], [raw]
    levels, refused = [], []
    for index, item in enumerate(raw):
        value = sheet.read(key, item, (*where, index))
        if value is None:
            refused.append(item)
        else:
            levels.append(Level(value, (*where, index), labels[index] if labels else None))
    return levels, refused


def _read_labels(sheet: Sheet, key: Key, spec: dict[str, Any], where: KeyPath) -> list[str] | None:
    _check_words(sheet, key, spec, where, ["values", "labels"])
    values = spec["values"]
    return _labels(sheet, key.name, spec.get("labels"), len(values) if isinstance(values, list) else None, where)


def _labels(sheet: Sheet, name: str, labels: Any, count: int | None, where: KeyPath) -> list[str] | None:
    """Returns labels, one for each of so many values where that is known; None where there are none to be used."""
    if labels is None:
        return None
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        problem = "not a list of strings"
    elif len(set(labels)) < len(labels):
        problem = "labels that repeat"
    elif count is not None and len(labels) != count:
        problem = f"{len(labels)} labels for {count} values"
    else:
        return labels
    sheet.report((*where, "labels"), f"{name} labels", problem, found=labels)
    return None


def _spaced(sheet: Sheet, key: Key, spec: dict[str, Any], where: KeyPath) -> list[Any] | None:
    """Returns evenly spaced values, six significant digits each, whole numbers where the key takes no others."""
    spacings = [word for word in SPACINGS if word in spec]
    if len(spacings) != 1:
        hint = next((nearest(word, [*SPACINGS, "values"]) for word in spec), "")
        sheet.report(where, key.name, "not a list of values", found=spec, allowed=_SPEC_FORM, hint=hint)
        return None
    _check_words(sheet, key, spec, where, [spacings[0], "num"])
    ends, count = spec[spacings[0]], spec.get("num", 0)
    problem = spacing_problem(key, spacings[0], ends, count)
    if problem:
        sheet.report(where, key.name, problem, found=spec, allowed=_SPEC_FORM)
        return None
    shares = [i / (count - 1) for i in range(count)]
    first, last = ends
    if spacings[0] == "log":
        values = [first * (last / first) ** share for share in shares]
    else:
        values = [first + (last - first) * share for share in shares]
    return [round(value) if key.is_integer else float(f"{value:.6g}") for value in values]


def spacing_problem(key: Key, spacing: str, ends: Any, count: Any) -> str:
    """Returns why so many values between two ends make no sense for a key, empty where they do."""
    if not key.is_number:
        return f"{spacing} needs a key that is a number"
    if not isinstance(ends, list) or len(ends) != 2 or not all(type(end) in (int, float) for end in ends):
        return f"{spacing} needs two numbers [first, last]"
    if not all(math.isfinite(end) for end in ends) or (spacing == "log" and min(ends) <= 0):
        return f"{spacing} needs finite numbers" + (" above 0" if spacing == "log" else "")
    if type(count) is not int or not 2 <= count <= MOST_LEVELS:
        return f"num needs a whole number from 2 to {MOST_LEVELS:,}"
    return ""


def _check_words(sheet: Sheet, key: Key, spec: dict[str, Any], where: KeyPath, allowed: list[str]) -> None:
    for word in spec:
        if word not in allowed:
            problem = f"unknown word {word!r}"
            sheet.report((*where, word), key.name, problem, allowed=there_is(allowed), hint=nearest(word, allowed))
