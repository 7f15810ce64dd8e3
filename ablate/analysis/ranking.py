"""Which arm comes first on a metric, and by how much, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.analysis.frontier import Direction
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.study import Arm, Study


@dataclass(frozen=True)
class Comparison:
    """The differences of one arm to another, seed by seed."""

    other: str
    interval: Interval


@dataclass(frozen=True)
class Winner:
    """The arm with the best mean over seeds; a comparison is None where no seed is shared or there is no other arm."""

    metric: str
    arm: str
    by_seed: Mapping[int, float]
    mean: float
    runner_up: Comparison | None
    baseline: Comparison | None


def candidates(study: Study) -> tuple[Arm, ...]:
    """Returns the arms that may win: those with the most finished seeds, so that luck with few is no advantage."""
    counts = {arm.name: len(arm.done) for arm in study.arms}
    most = max(counts.values(), default=0)
    return tuple(arm for arm in study.arms if most and counts[arm.name] == most)


def winner(study: Study, metric: str, direction: Direction) -> Winner | None:
    """Returns the best of the candidates, None where none of them was measured.

    Arms that were trained against the network that the metric looks through are left out.
    """
    fair = [arm for arm in candidates(study) if not arm.trained_against(metric)]
    scores = {arm.name: found for arm in fair if (found := arm.scores(metric))}
    if not scores:
        return None
    means = {name: sum(values.values()) / len(values) for name, values in scores.items()}
    ranked = sorted(means, key=lambda name: means[name], reverse=direction == "higher")
    first, baseline = ranked[0], study.baseline
    return Winner(
        metric=metric,
        arm=first,
        by_seed=scores[first],
        mean=means[first],
        runner_up=_compare(scores[first], scores[ranked[1]], ranked[1]) if len(ranked) > 1 else None,
        baseline=_compare(scores[first], baseline.scores(metric), baseline.name)
        if baseline and baseline.name != first and not baseline.trained_against(metric)
        else None,
    )


def _compare(own: Mapping[int, float], other: Mapping[int, float], name: str) -> Comparison | None:
    shared = [own[seed] - other[seed] for seed in own if seed in other]
    return Comparison(name, t_interval(shared)) if shared else None
