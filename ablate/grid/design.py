"""Which combinations of the axes a design runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablate.grid.axes import Combination, Factor, Level
from ablate.grid.cell_keys import cell_keys
from ablate.grid.keys import Key
from ablate.grid.sections import Design
from ablate.grid.sheet import Sheet

MAX_CELLS = 100_000
"""A full design larger than this is a slip of the pen."""


def full(factors: Sequence[Factor]) -> Iterator[Combination]:
    """Goes through every combination, the last axis fastest."""
    yield from itertools.product(*(range(len(factor.choices)) for factor in factors))


def star(factors: Sequence[Factor], baseline: Combination) -> Iterator[Combination]:
    """Goes through the baseline, and the baseline with one factor at each of its other choices."""
    yield baseline
    for index, factor in enumerate(factors):
        for choice in range(len(factor.choices)):
            if choice != baseline[index]:
                yield _with(baseline, index, choice)


def leave_one_out(baseline: Combination, base: Combination) -> Iterator[Combination]:
    """Goes through the baseline, and the baseline with one factor back at its value in the base."""
    yield baseline
    for index, choice in enumerate(base):
        if choice != baseline[index]:
            yield _with(baseline, index, choice)


def combinations(
    design: Design, factors: Sequence[Factor], baseline: Combination, base: Combination
) -> Iterator[Combination]:
    """Goes through the combinations of a design; see `Design` for what each kind means."""
    if design.kind == "full":
        return full(factors)
    return star(factors, baseline) if design.kind == "star" else leave_one_out(baseline, base)


def too_many(design: Design, factors: Sequence[Factor], seeds: int) -> bool:
    """Returns whether a full design has more than `MAX_CELLS` cells."""
    return design.kind == "full" and math.prod(len(factor.choices) for factor in factors) * seeds > MAX_CELLS


def with_base_choices(
    sheet: Sheet, factors: Sequence[Factor], values: Mapping[str, Any]
) -> tuple[tuple[Factor, ...], Combination]:
    """Adds to each factor the choice that its keys have in the base, and returns which one that is."""
    extended, base = [], []
    for factor in factors:
        wanted = [_base_value(values, key) for key in factor.keys]
        for key, value in zip(factor.keys, wanted, strict=True):
            if value is None:
                sheet.report(factor.where, key.name, "leave-one-out goes back to [base], where this has no value")
        known = [[level.value for level in choice] for choice in factor.choices]
        at = next((index for index, choice in enumerate(known) if _equal(factor.keys, choice, wanted)), len(known))
        choice = tuple(Level(value, factor.where) for value in wanted)
        choices = factor.choices if at < len(known) or None in wanted else (*factor.choices, choice)
        extended.append(replace(factor, choices=choices))
        base.append(min(at, len(choices) - 1))
    return tuple(extended), tuple(base)


def notes(design: Design, factors: Sequence[Factor], baseline: Combination, base: Combination) -> tuple[str, ...]:
    """Says what a leave-one-out leaves unsaid: axes that it cannot reset and values that it never runs."""
    if design.kind != "leave-one-out":
        return ()
    said = []
    for factor, start, end in zip(factors, baseline, base, strict=True):
        names = ", ".join(key.name for key in factor.keys)
        if start == end:
            said.append(f"{names}: the baseline has the value of [base] already, so nothing is left out")
        for index, choice in enumerate(factor.choices):
            if index not in (start, end):
                texts = ", ".join(str(key.text(level.value)) for key, level in zip(factor.keys, choice, strict=True))
                said.append(f"{names} = {texts} is not run: leave-one-out runs the baseline and the value of [base]")
    return tuple(said)


def _with(combination: Combination, index: int, choice: int) -> Combination:
    return (*combination[:index], choice, *combination[index + 1 :])


def _base_value(values: Mapping[str, Any], key: Key) -> Any:
    if key.name in values or key.name in cell_keys():
        return values.get(key.name)
    name, _, option = key.name.rpartition(".")
    term, registry = values[name], cell_keys()[name].registry
    assert registry is not None
    options = registry[term["name"]].options
    default = options[option].default if option in options else None
    return term.get(option, default)


def _equal(keys: Sequence[Key], values: Sequence[Any], others: Sequence[Any]) -> bool:
    pairs = zip(keys, values, others, strict=True)
    return None not in others and all(key.same(value) == key.same(other) for key, value, other in pairs)
