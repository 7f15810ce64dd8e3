"""Effects of the levels of an axis: marginal means, and differences to the baseline paired by seed and setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ablate.analysis.axes import Axis
from ablate.analysis.intervals import Interval, seed_interval
from ablate.analysis.study import Block, Slot, Study
from ablate.records import WEIGHTS, CellRecord

BESIDE = "arm"
"""Stands for the axis of an arm that was added beside the axes; its level is the arm's name."""

Value = TypeVar("Value")

Score = Callable[[CellRecord], float | None]
"""A cell's value, None where it has none."""


@dataclass(frozen=True)
class LevelMean:
    """The marginal mean of one level: over its finished cells within a seed, then over seeds."""

    axis: str
    level: str
    metric: str
    by_seed: Mapping[int, float]
    interval: Interval | None
    cells: int
    planned: int


@dataclass(frozen=True)
class Effect:
    """The difference of a level to the baseline level; one difference a seed, each a mean over the shared settings.

    `reference` is the mean of the baseline's cells in these pairs.
    """

    axis: str
    level: str
    baseline: str
    metric: str
    by_seed: Mapping[int, float]
    interval: Interval | None
    pairs: int
    planned_pairs: int
    reference: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Tells it from the other effects on its metric."""
        return self.axis, self.level

    @property
    def differences(self) -> list[float]:
        """One value a seed."""
        return list(self.by_seed.values())


def level_means(study: Study, axis: Axis, metric: str) -> tuple[LevelMean, ...]:
    """Returns the marginal mean of each level of `axis` in the order of the axis."""
    scores = scores_at(study.slots[axis.name], score_of(metric))
    planned = [level for level, _, _ in study.slots[axis.name]]
    result = []
    for level in axis.levels:
        by_seed = seed_means({(seed, block): value for (at, seed, block), value in scores.items() if at == level})
        cells = sum(at == level for at, _, _ in scores)
        result.append(LevelMean(axis.name, level, metric, by_seed, seed_interval(by_seed), cells, planned.count(level)))
    return tuple(result)


def effects(study: Study, metric: str, score: Score | None = None) -> tuple[Effect, ...]:
    """Returns the effect of every level of every axis but the baseline's, then of the arms beside the axes.

    `score` reads a cell's value; where it is not given, that of `metric` under the primary weights.
    """
    score = score or score_of(metric)
    found = [effect for axis in study.axes for effect in _axis_effects(study, axis, metric, score)]
    return (*found, *_beside(study, metric, score))


def score_of(metric: str, weights: str = WEIGHTS[0]) -> Score:
    """Returns how to read a metric from a cell."""
    return lambda cell: cell.score(metric, weights)


def scores_at(slots: Mapping[Slot, CellRecord], score: Score) -> dict[Slot, float]:
    """Returns the slots that have a value."""
    found = {slot: score(cell) for slot, cell in slots.items()}
    return {slot: value for slot, value in found.items() if value is not None}


def seed_means(values: Mapping[tuple[int, Block], float]) -> dict[int, float]:
    """Returns the mean over the blocks of each seed."""
    groups: dict[int, list[float]] = {}
    for (seed, _), value in values.items():
        groups.setdefault(seed, []).append(value)
    return {seed: sum(group) / len(group) for seed, group in sorted(groups.items())}


def paired(names: tuple[str, str, str, str], own: Mapping, other: Mapping, planned: int) -> Effect:
    """Returns the effect of a level's own values over (seed, block) against the baseline's.

    `names` are axis, level, baseline level and metric; `planned` pairs would be there if every cell had finished.
    """
    pairs = {at: value - other[at] for at, value in own.items() if at in other}
    by_seed = seed_means(pairs)
    reference = sum(other[at] for at in pairs) / len(pairs) if pairs else None
    return Effect(*names, by_seed, seed_interval(by_seed), len(pairs), planned, reference)


def _axis_effects(study: Study, axis: Axis, metric: str, score: Score) -> list[Effect]:
    slots = study.slots[axis.name]
    scores = by_level(scores_at(slots, score))
    planned = by_level(dict.fromkeys(slots, 0.0))
    base = planned.get(axis.baseline, {})
    return [
        paired(
            (axis.name, level, axis.baseline, metric),
            scores.get(level, {}),
            scores.get(axis.baseline, {}),
            sum(at in base for at in planned.get(level, ())),
        )
        for level in axis.levels
        if level != axis.baseline
    ]


def cells_at(study: Study, axis: str, level: str) -> dict[tuple[int, Block], CellRecord]:
    """Returns the cells at a level of an axis, or of an arm beside the axes, over (seed, block)."""
    if axis == BESIDE:
        return {(cell.seed, ()): cell for arm in study.arms if arm.name == level for cell in arm.cells}
    return by_level(study.slots[axis]).get(level, {})


def by_level(slots: Mapping[Slot, Value]) -> dict[str, dict[tuple[int, Block], Value]]:
    """Returns what is in the slots of each level over (seed, block)."""
    groups: dict[str, dict[tuple[int, Block], Value]] = {}
    for (level, seed, block), value in slots.items():
        groups.setdefault(level, {})[seed, block] = value
    return groups


def _beside(study: Study, metric: str, score: Score) -> list[Effect]:
    baseline = study.baseline
    if baseline is None:
        return []
    beside = [arm for arm in study.arms if not study.on_axes(arm)]
    values = {
        arm.name: {(cell.seed, ()): value for cell in arm.cells if (value := score(cell)) is not None}
        for arm in (baseline, *beside)
    }
    return [
        paired(
            (BESIDE, arm.name, baseline.name, metric), values[arm.name], values[baseline.name],
            len({cell.seed for cell in arm.cells} & {cell.seed for cell in baseline.cells}),
        )
        for arm in beside
    ]  # fmt: skip
