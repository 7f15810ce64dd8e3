"""Sensitivity of a verdict: to one seed, the other set of weights, how failures count, and the metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.analysis.bits import is_rate
from ablate.analysis.contrasts import Contrast, contrasts
from ablate.analysis.effects import cells_at
from ablate.analysis.failures import with_failures_as_worst
from ablate.analysis.frontier import Direction
from ablate.analysis.intervals import t_interval
from ablate.analysis.study import Study
from ablate.analysis.verdicts import Conclusion, leaning
from ablate.records import WEIGHTS, Status


@dataclass(frozen=True)
class Sensitivity:
    """A declared contrast under other choices that could have been made.

    Attributes:
        contrast: with its verdict.
        leaning: where its interval lies, whatever the exact test can reach; what `without_seed` compares with.
        without_seed: the same with each seed left out.
        other_weights: the verdict with the other set of weights.
        failures_as_worst: the verdict with diverged cells at the worst value of the grid; None where none diverged, and
            inconclusive at equal bits where one of the curves lost a cell, which has no bits to be worst at.
        other_metrics: the verdict on every other metric of quality.
    """

    contrast: Contrast
    leaning: Conclusion
    without_seed: Mapping[int, Conclusion]
    other_weights: Conclusion
    failures_as_worst: Conclusion | None
    other_metrics: Mapping[str, Conclusion]

    @property
    def turning_seeds(self) -> tuple[int, ...]:
        """The seeds without which the interval lies elsewhere."""
        return tuple(seed for seed, outcome in self.without_seed.items() if outcome != self.leaning)

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The metrics whose verdict is the opposite."""
        opposite = {"better": "worse", "worse": "better"}.get(self.contrast.verdict)
        return tuple(name for name, outcome in self.other_metrics.items() if outcome == opposite)

    @property
    def flips(self) -> bool:
        """Whether any other choice gives another verdict, or another metric the opposite one."""
        others = {self.other_weights, self.failures_as_worst or self.contrast.verdict}
        return bool(self.turning_seeds or self.contradicted or others != {self.contrast.verdict})


def sensitivity(
    study: Study, found: Mapping[str, tuple[Contrast, ...]], directions: Mapping[str, Direction]
) -> tuple[Sensitivity, ...]:
    """Returns every declared contrast that was measured with what becomes of it under other choices.

    `found` are the contrasts of each metric under the choices that were made.
    """
    declared = [each for compared in found.values() for each in compared if each.declared and each.judgement]
    if not declared:
        return ()
    primary = list(dict.fromkeys(each.effect.metric for each in declared))
    chosen = {metric: directions[metric] for metric in primary}
    raw = _verdicts(contrasts(study, chosen, weights=WEIGHTS[1]))
    worst = _verdicts(_worst(study, chosen)) if any(cell.status is Status.diverged for cell in study.cells) else {}
    own = _verdicts(found)
    quality = [metric for metric in found if not is_rate(metric)]
    return tuple(
        Sensitivity(
            each,
            _lean(each, each.effect.differences),
            {seed: _lean(each, _without(each, seed)) for seed in each.effect.by_seed},
            raw[each.effect.metric, each.effect.key],
            _at_worst(each, study, worst.get((each.effect.metric, each.effect.key))),
            {name: own[name, each.effect.key] for name in quality if name != each.effect.metric},
        )
        for each in declared
    )


def _worst(study: Study, directions: Mapping[str, Direction]) -> dict[str, tuple[Contrast, ...]]:
    readers = {metric: with_failures_as_worst(study, metric, direction) for metric, direction in directions.items()}
    return contrasts(study, directions, read=lambda metric: readers[metric] or (lambda _: None))


def _at_worst(contrast: Contrast, study: Study, verdict: Conclusion | None) -> Conclusion | None:
    """Withholds the verdict on curves of which a cell diverged: it was reached without that cell."""
    if verdict is None or contrast.curve is None:
        return verdict
    effect = contrast.effect
    sides = (cells_at(study, effect.axis, level).values() for level in (effect.level, effect.baseline))
    return "inconclusive" if any(cell.status is Status.diverged for side in sides for cell in side) else verdict


def _verdicts(found: Mapping[str, tuple[Contrast, ...]]) -> dict[tuple[str, tuple[str, str]], Conclusion]:
    return {(metric, each.effect.key): each.verdict for metric, compared in found.items() for each in compared}


def _without(contrast: Contrast, seed: int) -> list[float]:
    return [value for other, value in contrast.effect.by_seed.items() if other != seed]


def _lean(contrast: Contrast, differences: list[float]) -> Conclusion:
    if not differences or contrast.judgement is None:
        return "inconclusive"
    own = t_interval(differences, contrast.judgement.interval.confidence)
    return leaning(own, contrast.margin, contrast.direction)
