"""What each level of an axis does: marginal means, and differences to the baseline paired by seed and setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ablate.analysis.axes import Axis
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.significance import holm, sign_flip_p, smallest_p
from ablate.analysis.study import WEIGHTS, Block, Slot, Study


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

    `p` is None where the number of seeds cannot reach `alpha`, and `adjusted_p` is Holm's over all effects on the
    metric.
    """

    axis: str
    level: str
    baseline: str
    metric: str
    by_seed: Mapping[int, float]
    interval: Interval | None
    pairs: int
    planned_pairs: int
    smallest_p: float
    p: float | None = None
    adjusted_p: float | None = None


def level_means(study: Study, axis: Axis, metric: str, weights: str = WEIGHTS[0]) -> tuple[LevelMean, ...]:
    """Returns the marginal mean of each level of `axis` in the order of the axis."""
    scores = _scores(study, axis, metric, weights)
    planned = [level for level, _, _ in study.slots[axis.name]]
    result = []
    for level in axis.levels:
        by_seed = _seed_means({(seed, block): value for (at, seed, block), value in scores.items() if at == level})
        cells = sum(at == level for at, _, _ in scores)
        interval = t_interval(list(by_seed.values())) if by_seed else None
        result.append(LevelMean(axis.name, level, metric, by_seed, interval, cells, planned.count(level)))
    return tuple(result)


def effects(study: Study, metric: str, weights: str = WEIGHTS[0], alpha: float = 0.05) -> tuple[Effect, ...]:
    """Returns the effect of every level of every axis but the baseline's, in the order of the axes."""
    found = [effect for axis in study.axes for effect in _axis_effects(study, axis, metric, weights)]
    tested = [
        replace(effect, p=sign_flip_p(list(effect.by_seed.values())))
        if effect.by_seed and effect.smallest_p <= alpha
        else effect
        for effect in found
    ]
    # An effect that could not be tested still counts as a member of the family: its place is kept with p = 1.
    adjusted = holm([1.0 if effect.p is None else effect.p for effect in tested])
    return tuple(
        effect if effect.p is None else replace(effect, adjusted_p=p)
        for effect, p in zip(tested, adjusted, strict=True)
    )


def _axis_effects(study: Study, axis: Axis, metric: str, weights: str) -> list[Effect]:
    scores, slots = _scores(study, axis, metric, weights), study.slots[axis.name]
    result = []
    for level in axis.levels:
        if level == axis.baseline:
            continue
        planned = [(seed, block) for at, seed, block in slots if at == level and (axis.baseline, seed, block) in slots]
        pairs = {
            (seed, block): scores[level, seed, block] - scores[axis.baseline, seed, block]
            for seed, block in planned
            if (level, seed, block) in scores and (axis.baseline, seed, block) in scores
        }
        by_seed = _seed_means(pairs)
        interval = t_interval(list(by_seed.values())) if by_seed else None
        result.append(
            Effect(
                axis.name, level, axis.baseline, metric, by_seed, interval, len(pairs), len(planned),
                smallest_p(len(by_seed)),
            )
        )  # fmt: skip
    return result


def _scores(study: Study, axis: Axis, metric: str, weights: str) -> dict[Slot, float]:
    found = {slot: cell.score(metric, weights) for slot, cell in study.slots[axis.name].items()}
    return {slot: value for slot, value in found.items() if value is not None}


def _seed_means(values: Mapping[tuple[int, Block], float]) -> dict[int, float]:
    groups: dict[int, list[float]] = {}
    for (seed, _), value in values.items():
        groups.setdefault(seed, []).append(value)
    return {seed: sum(group) / len(group) for seed, group in sorted(groups.items())}
