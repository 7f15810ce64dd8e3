"""[tune]: the keys that every arm is tuned over, and the values that its trials have."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from ablate.config import Cell, Term, changed
from ablate.grid.assemble import sentence
from ablate.grid.axes import SPACINGS, spacing_problem
from ablate.grid.cell_keys import cell_key, cell_keys
from ablate.grid.draws import draw
from ablate.grid.keys import Key
from ablate.grid.locate import KeyPath
from ablate.grid.mistakes import nearest, there_is
from ablate.grid.sections import Compare, Seeds, Tune
from ablate.grid.sheet import Sheet
from ablate.limits import Range
from ablate.metrics.catalogue import metrics
from ablate.records import PlannedTuning, TunedArm

_RANGE_FORM = 'allowed: { log = [a, b] }, { lin = [a, b] }, or "declared" for the range that the setting declares'
Values = dict[str, float | int]


class ArmToTune(Protocol):
    """An arm of the design: its label, a cell of it, and the keys that make it what it is, beside the axes."""

    @property
    def label(self) -> str: ...

    @property
    def cell(self) -> Cell: ...


@dataclass
class _Wish:
    """One key or pattern of `over`, where it lies, and the range given there; None for declared ones."""

    pattern: str
    where: KeyPath
    given: Range | None = None


@dataclass
class _Search:
    """What the arms are tuned over: for each key the range given, and for each arm those of its keys."""

    given: dict[str, Range | None] = field(default_factory=dict)

    def ranges(self, arm: ArmToTune) -> dict[str, Range]:
        """Returns the ranges of the keys that an arm has; others are options of terms that it has not."""
        found = {key: given or _declared(key, arm.cell) for key, given in self.given.items() if _has(key, arm.cell)}
        return {key: each for key, each in found.items() if each is not None}


def read_tuning(
    sheet: Sheet,
    tune: Tune,
    seeds: Seeds,
    compare: Compare,
    arms: Sequence[ArmToTune],
    fixed: Mapping[str, KeyPath],
) -> PlannedTuning | None:
    """Returns what trials there are; what is wrong is noted.

    Args:
        sheet: of the grid file.
        tune: its section.
        seeds: that judge.
        compare: names the metric where the section does not.
        arms: what is tuned.
        fixed: keys that tell arms apart, and where they are given.
    """
    before = len(sheet.mistakes)
    metric = _metric(sheet, tune, compare, arms)
    trial_seeds = tune.seeds or (max(seeds.values) + 1,)
    for index, seed in enumerate(tune.seeds):
        if seed in seeds.values:
            said = "judges the winners, and a choice by its own judge flatters; trials need seeds of their own"
            sheet.report(("tune", "seeds", index), "tune.seeds", said, found=seed)
    _require_validation(sheet, tune, arms)
    search = _search(sheet, tune, arms, fixed)
    if len(sheet.mistakes) > before or metric is None or not arms:
        return None
    points = draw(list(search.given), tune.trials, tune.draws)
    tuned = [_arm(arm, search.ranges(arm), points) for arm in arms]
    planned = PlannedTuning(
        metric=metric,
        direction="higher" if metrics[metric].direction == "higher" else "lower",
        select_on=tune.select_on,
        rungs=tune.rungs,
        seeds=trial_seeds,
        draws=tune.draws,
        arms=tuple(tuned),
    )
    _require_cells(sheet, planned, arms)
    return planned


def _metric(sheet: Sheet, tune: Tune, compare: Compare, arms: Sequence[ArmToTune]) -> str | None:
    name = tune.metric or next((each for each in compare.primary if "@" not in each), None)
    measured = sorted({each for arm in arms for each in arm.cell.evaluation.measured})
    if name is None:
        sheet.report(("tune",), "tune.metric", "missing, and [compare] primary names none that could stand in")
    elif "@" in name:
        said = f"named with a set of images; tune.select_on says which images choose ({tune.select_on})"
        sheet.report(("tune", "metric"), "tune.metric", said, found=name)
    elif arms and name not in measured:
        allowed = there_is([each for each in measured if metrics[each].direction])
        sheet.report(("tune", "metric"), "tune.metric", f"{name} is not measured", allowed=allowed)
    return name


def _require_validation(sheet: Sheet, tune: Tune, arms: Sequence[ArmToTune]) -> None:
    for arm in arms:
        data = arm.cell.data
        if data.validation is None and data.validation_fraction is None:
            said = "there are no validation images to choose by"
            hint = "give base.data.validation, a directory, or base.data.validation_fraction"
            where = ("tune", "select_on") if sheet.has(("tune", "select_on")) else ("tune",)
            sheet.report(where, "tune.select_on", said, found=tune.select_on, hint=hint)
            return


def _search(sheet: Sheet, tune: Tune, arms: Sequence[ArmToTune], fixed: Mapping[str, KeyPath]) -> _Search:
    """Finds the keys of every pattern, with the ranges that are given for them."""
    search = _Search()
    known = list(dict.fromkeys([*cell_keys(), *(name for arm in arms for name in _options(arm.cell))]))
    for wish in _wishes(sheet, tune):
        matching = [wish.pattern] if wish.pattern in known else fnmatch.filter(known, wish.pattern)
        numbers = [name for name in matching if _key(name).is_number]
        named = f"tune.over {wish.pattern}"
        if not matching:
            sheet.report(wish.where, named, "no setting of this grid is called so", hint=nearest(wish.pattern, known))
            continue
        if not numbers:
            sheet.report(wish.where, named, "not a number, and only numbers are drawn from a range")
            continue
        for name in numbers:
            if name in fixed:
                at = sheet.line(fixed[name])
                said = f"{name} tells arms apart already (line {at}), and what is compared cannot be tuned away"
                sheet.report(wish.where, named, said)
        usable = [name for name in numbers if wish.given or any(_declared(name, arm.cell) for arm in arms)]
        if not usable and arms:
            said = "no range is declared for it"
            form = f'give one: over = {{ "{numbers[0]}" = {{ log = [a, b] }} }}'
            sheet.report(wish.where, named, said, hint=form)
        for name in usable:
            _check_range(sheet, wish, name)
            search.given[name] = wish.given or search.given.get(name)
    return search


def _wishes(sheet: Sheet, tune: Tune) -> Iterator[_Wish]:
    if sheet.table("tune").get("over") in (None, [], {}):
        sheet.report(("tune",), "tune.over", "missing: it says which settings are tuned")
    if isinstance(tune.over, tuple):
        yield from (_Wish(pattern, ("tune", "over", index)) for index, pattern in enumerate(tune.over))
        return
    for pattern, spec in tune.over.items():
        where = ("tune", "over", pattern)
        if spec == "declared":
            yield _Wish(pattern, where)
        elif not isinstance(spec, dict) or len(spec) != 1 or next(iter(spec)) not in SPACINGS:
            sheet.report(where, f"tune.over {pattern}", "not a range", found=spec, allowed=_RANGE_FORM)
        else:
            ((scale, ends),) = spec.items()
            number = Key(pattern, float)
            problem = spacing_problem(number, scale, ends, 2) or (
                "" if ends[0] < ends[1] else "first is not below last"
            )
            if problem:
                sheet.report(where, f"tune.over {pattern}", problem, found=spec, allowed=_RANGE_FORM)
            else:
                yield _Wish(pattern, where, Range(float(ends[0]), float(ends[1]), scale))


def _check_range(sheet: Sheet, wish: _Wish, name: str) -> None:
    """Notes ends of a given range that the setting does not take."""
    if wish.given is None or name not in cell_keys():
        return
    key = cell_keys()[name]
    for end in (wish.given.low, wish.given.high):
        for refusal in key.read(end)[1]:
            sheet.refuse(refusal, end, wish.where, f"tune.over {name}")


def _key(name: str) -> Key:
    key = cell_key(name)
    assert key is not None, f"{name} was found among the keys"
    return key


def _options(cell: Cell) -> Iterator[str]:
    """Goes through the numeric options of the terms of a cell by dotted key."""
    for name in cell_keys():
        if cell_keys()[name].registry is not None:
            term = _at(cell, name)
            yield from (f"{name}.{option}" for option, value in term.options.items() if type(value) in (int, float))


def _has(name: str, cell: Cell) -> bool:
    return name in cell_keys() or name in _options(cell)


def _declared(name: str, cell: Cell) -> Range | None:
    """Returns the range that a setting declares, or the function that a term of the cell names for its option."""
    if name in cell_keys():
        return next((each for each in cell_keys()[name].metadata if isinstance(each, Range)), None)
    term, _, option = name.rpartition(".")
    registry = cell_keys()[term].registry
    assert registry is not None
    pair = registry[_at(cell, term).name].facts.get("ranges", {}).get(option)
    return Range.of_pair(float(pair[0]), float(pair[1])) if pair and _has(name, cell) else None


def _at(cell: Cell, name: str) -> Any:
    value: Any = cell
    for part in name.split("."):
        value = value.options[part] if isinstance(value, Term) else getattr(value, part)
    return value


def _arm(arm: ArmToTune, ranges: Mapping[str, Range], points: Sequence[Mapping[str, float]]) -> TunedArm:
    trials = [{key: _value(key, arm.cell, each.at(point[key])) for key, each in ranges.items()} for point in points]
    plain = {key: {each.scale: (each.low, each.high)} for key, each in ranges.items()}
    return TunedArm(arm=arm.label, ranges=plain, trials=tuple(trials))


def _value(name: str, cell: Cell, value: float) -> float | int:
    whole = _key(name).is_integer if name in cell_keys() else type(_at(cell, name)) is int
    return round(value) if whole else value


def _require_cells(sheet: Sheet, planned: PlannedTuning, arms: Sequence[ArmToTune]) -> None:
    """Notes trials that make no cell: values that contradict the arm, or a rung that ends too early."""
    for arm, tuned in zip(arms, planned.arms, strict=True):
        plain = arm.cell.model_dump(mode="json")
        steps = [planned.stops(rung, arm.cell.train.steps) for rung in range(len(planned.rungs))]
        if len(set(steps)) < len(steps) or steps[0] == 0:
            said = f"of {arm.cell.train.steps} steps ({arm.label}) two rungs end at one step, or at none"
            sheet.report(("tune", "rungs"), "tune.rungs", said, found=list(planned.rungs))
            return
        first = planned.stop_at(0, arm.cell.train.steps)
        for number, values in enumerate(tuned.trials):
            try:
                changed(plain, {**values, "train.stop_at": first})
            except ValidationError as error:
                told = ", ".join(f"{key} = {value:g}" for key, value in values.items())
                rung = f" that stops at step {first}" if first else ""
                sheet.report(("tune",), f"tune: trial {number} of {arm.label}{rung}", f"{sentence(error)} ({told})")
                return
