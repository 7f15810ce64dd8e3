"""Resolves the cells of a grid file: base, axes, design, excludes, includes and seeds to points."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.config import Cell
from ablate.grid.assemble import Assembly, Failure
from ablate.grid.axes import Combination, Factor, check_options, levels_of, read_factors
from ablate.grid.conflicts import report_conflicts
from ablate.grid.design import MAX_CELLS, combinations, notes, too_many, with_base_choices
from ablate.grid.grid import Header, Point
from ablate.grid.includes import Include, read_includes
from ablate.grid.labels import cell_label, combination_labels, names_of, plain
from ablate.grid.mistakes import GridError, there_is
from ablate.grid.patterns import Excluded, check_baseline, check_comparison, exclude, read_baseline
from ablate.grid.presets import nested, read_base
from ablate.grid.sections import Compare, Seeds
from ablate.grid.sheet import Sheet
from ablate.grid.tune import read_tuning
from ablate.metrics.catalogue import metrics
from ablate.metrics.naming import KEPT, VALIDATION, on_set, split_name
from ablate.records import AxisNames, PlannedTuning

NAMED_AT_MOST = 3
"""Arms that a note names."""


@dataclass(frozen=True)
class Resolved:
    """The fields of a `Grid` that depend on its cells."""

    base: Mapping[str, Any]
    axes: Mapping[str, tuple[Any, ...]]
    names: tuple[AxisNames, ...]
    excluded: tuple[Excluded, ...]
    compare: Compare
    notes: tuple[str, ...]
    resolved: Callable[[], Iterator[Point]]
    tuning: PlannedTuning | None


def resolve(sheet: Sheet, header: Header) -> Resolved:
    """Returns what a grid file runs; where it has mistakes they are noted and the result is not to be used.

    Raises:
        GridError: if there are too many cells to look at them one by one.
    """
    values, factors = read_base(sheet), read_factors(sheet)
    check_options(sheet, factors, values)
    base: Combination = ()
    if header.design.kind == "leave-one-out":
        factors, base = with_base_choices(sheet, factors, values)
    baseline = read_baseline(sheet, factors)
    if too_many(header.design, factors, len(header.seeds.values)):
        sheet.report(("axes",), "axes", f"more than {MAX_CELLS:,} cells")
        raise GridError(sheet.mistakes)
    planned = list(combinations(header.design, factors, baseline.choice, base))
    left, excluded = exclude(sheet, factors, planned)
    check_baseline(sheet, header.design, header.seeds, baseline, left)
    assembly = Assembly(values, factors, header.seeds.values[0])
    cells = _cells(sheet, assembly, factors, left)
    includes = read_includes(sheet, assembly, values, factors)
    _check_metrics(sheet, header.compare, [*cells.values(), *(include.cell for include in includes)])
    check_comparison(sheet, header.compare, factors)
    if not left and not includes:
        sheet.report(("exclude",), "exclude", "nothing is left to run")
    arms = _arms(factors, cells, includes)
    distinct, again = _distinct(arms)
    _check_labels(sheet, factors, list(cells), arms, includes)
    replicate = cells.get(baseline.choice) if header.seeds.aa else None
    fixed = {key.name: factor.where for factor in factors for key in factor.keys}
    fixed |= {name: ("include", index, "set") for index, each in enumerate(includes) for name in each.set}
    tuning = (
        read_tuning(sheet, header.tune, header.seeds, header.compare, distinct, fixed)
        if header.tune is not None
        else None
    )
    return Resolved(
        base=nested(values),
        axes=_axes(factors, left),
        names=names_of(factors),
        excluded=excluded,
        compare=header.compare.model_copy(update={"baseline": plain(factors, baseline.choice)}),
        notes=(*notes(header.design, factors, baseline.choice, base), *_told(again, len(arms))),
        resolved=functools.partial(_points, distinct, header.seeds, replicate),
        tuning=tuning,
    )


@dataclass(frozen=True)
class _Arm:
    """A cell of the first seed, before the seeds multiply it."""

    cell: Cell
    label: str
    axes: Mapping[str, Any]
    included: bool = False

    def at(self, seed: int, replicate: int = 0) -> Point:
        cell = self.cell.model_copy(update={"seed": seed, "replicate": replicate})
        return Point(cell, cell_label(self.label, seed, replicate), self.label, self.axes, seed, self.included)


def _cells(
    sheet: Sheet, assembly: Assembly, factors: Sequence[Factor], left: Sequence[Combination]
) -> dict[Combination, Cell]:
    made = {combination: assembly.combination(combination) for combination in left}
    cells = {combination: cell for combination, cell in made.items() if isinstance(cell, Cell)}
    failures = {combination: failure for combination, failure in made.items() if isinstance(failure, Failure)}
    report_conflicts(sheet, factors, list(cells), failures)
    return cells


def _check_metrics(sheet: Sheet, compare: Compare, cells: Sequence[Cell]) -> None:
    """Notes metrics that no cell measures, since they are measured only where an evaluation says so."""
    measured = {name for cell in cells for name in cell.evaluation.chosen}
    every = {name for cell in cells for name in cell.evaluation.measured}
    sets = {name for cell in cells for name in cell.evaluation.set_names}
    sets |= {KEPT for cell in cells if cell.evaluation.kept != "all"}
    for place in ("primary", "margin"):
        for index, name in enumerate(getattr(compare, place)):
            where = ("compare", place, index if place == "primary" else name)
            plain, images = split_name(name)
            if cells and metrics[name].by_choice and plain not in measured:
                sheet.report(where, f"compare.{place}", f"{name} is not measured", allowed=there_is(sorted(measured)))
            if images == VALIDATION:
                said = f"{name} is what choices are made by, and a claim needs images that had no part in any"
                sheet.report(where, f"compare.{place}", said, allowed=there_is(sorted(sets)))
            elif images == KEPT in sets and not metrics[plain].regional:
                said = f"{plain} is of whole images alone, as its function takes no region"
                inside = [on_set(each, KEPT) for each in metrics if metrics[each].regional and each in every]
                sheet.report(where, f"compare.{place}", said, allowed=there_is(inside))
            elif cells and images not in sets:
                said = f"{images} is no set of images of the grid"
                sheet.report(where, f"compare.{place}", said, allowed=there_is(sorted(sets)))


def _arms(factors: Sequence[Factor], cells: Mapping[Combination, Cell], includes: Sequence[Include]) -> list[_Arm]:
    labels = combination_labels(factors, list(cells))
    design = [_Arm(cell, labels[combination], plain(factors, combination)) for combination, cell in cells.items()]
    return design + [_Arm(include.cell, include.label, include.axes, included=True) for include in includes]


def _check_labels(
    sheet: Sheet,
    factors: Sequence[Factor],
    left: Sequence[Combination],
    arms: Sequence[_Arm],
    includes: Sequence[Include],
) -> None:
    """Notes arms that are called like an earlier one and are another: nobody could tell their results apart."""
    first: dict[str, int] = {}
    for index, arm in enumerate(arms):
        earlier = first.setdefault(arm.label, index)
        if earlier == index or arm.cell == arms[earlier].cell:
            continue
        if arm.included:
            where = (*includes[index - len(left)].where, "label")
            sheet.report(where, "include.label", "another cell is called so", found=arm.label)
            continue
        both = zip(*(levels_of(factors, left[each]) for each in (earlier, index)), strict=True)
        key, level = next(own for (key, other), own in both if key.same(other.value) != key.same(own[1].value))
        sheet.report(level.where, key.name, f"written as {arm.label} like an earlier value", found=level.value)


def _distinct(arms: Sequence[_Arm]) -> tuple[list[_Arm], list[tuple[str, str]]]:
    """Drops what is the same cell as an earlier one; paths count, since no image is looked at here.

    Returns the arms that are left, and for each other its label and that of the earlier one.
    """
    kept: dict[str, _Arm] = {}
    again = []
    for arm in arms:
        first = kept.setdefault(arm.cell.model_dump_json(), arm)
        if first is not arm:
            again.append((arm.label, first.label))
    return list(kept.values()), again


def _told(again: Sequence[tuple[str, str]], arms: int) -> Iterator[str]:
    """Says which arms are the same cell as one before them."""
    if again:
        named = list(dict.fromkeys(label if label == other else f"{label} as {other}" for label, other in again))
        more = ", …" if len(named) > NAMED_AT_MOST else ""
        listed = ", ".join(named[:NAMED_AT_MOST])
        yield f"{len(again)} of {arms} arms are the same as one before them and are run once ({listed}{more})"


def _points(arms: Sequence[_Arm], seeds: Seeds, again: Cell | None) -> Iterator[Point]:
    """Goes through all cells of a seed before the next; `again` is the cell that the first seed has twice."""
    for seed in seeds.values:
        yield from (arm.at(seed) for arm in arms)
        if seed == seeds.values[0]:
            yield from (arm.at(seed, replicate=1) for arm in arms if again is not None and arm.cell == again)


def _axes(factors: Sequence[Factor], left: Sequence[Combination]) -> dict[str, tuple[Any, ...]]:
    """Returns the values that are run, in the order of the file."""
    axes: dict[str, tuple[Any, ...]] = {}
    for index, factor in enumerate(factors):
        used = sorted({combination[index] for combination in left})
        for place, key in enumerate(factor.keys):
            axes[key.name] = tuple(dict.fromkeys(key.text(factor.choices[choice][place].value) for choice in used))
    return axes
