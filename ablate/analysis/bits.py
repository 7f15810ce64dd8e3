"""Whether two levels spend the same bits, without which a difference in quality is no verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from ablate.analysis.bjontegaard import MIN_POINTS, Curve, bd_quality, bd_rate
from ablate.analysis.effects import Effect, Score, seed_means
from ablate.analysis.intervals import Interval, seed_interval, t_interval
from ablate.analysis.study import Block, Study
from ablate.analysis.verdicts import Conclusion
from ablate.metrics.catalogue import metrics
from ablate.metrics.metric import Scope
from ablate.metrics.naming import RATE as RATE
from ablate.metrics.naming import rate_of
from ablate.records import WEIGHTS, CellRecord


@dataclass(frozen=True)
class Bits:
    """How much more a level spends than the baseline level, as a share of the latter's bits, paired like its effect.

    Ratios are averaged, over seeds and the other axes: quality rises about evenly with the logarithm of bits, so that a
    tenth more at few bits buys what a tenth more at many does. `share` is None where nothing was measured, and
    `tolerance` is None where the grid asks for no match.
    """

    tolerance: float | None
    share: Interval | None

    def allow(self, outcome: Conclusion) -> bool:
        """Returns whether bits cannot be what made the difference.

        Quality rises with bits: being better needs bits that are shown to be no more than the baseline's, being worse
        bits that are no fewer, being equivalent both, each within the tolerance and by the interval's own limit.
        """
        if self.tolerance is None or outcome == "inconclusive":
            return True
        if self.share is None or self.share.low is None or self.share.high is None:
            return False
        no_more, no_fewer = self.share.high <= self.tolerance, self.share.low >= -self.tolerance
        return {"better": no_more, "worse": no_fewer, "equivalent": no_more and no_fewer}[outcome]


def is_rate(metric: str) -> bool:
    """Returns whether a metric measures bits and not quality."""
    return metric in metrics and metrics[metric].scope is Scope.rate


def tolerance(rate_match: str) -> float | None:
    """Returns the share in "within:1%", None for "off" and for "bd", which makes bits equal by itself."""
    return float(rate_match.removeprefix("within:").removesuffix("%")) / 100 if ":" in rate_match else None


def logarithm_of(score: Score) -> Score:
    """Returns how to read the logarithm of bits from a cell."""

    def logarithm(cell: CellRecord) -> float | None:
        value = score(cell)
        return math.log(value) if value else None

    return logarithm


def bits(effect: Effect | None, allowed: float | None, alpha: float) -> Bits:
    """Returns the comparison of bits from a level's effect on the logarithm of `RATE`."""
    if effect is None or not effect.differences:
        return Bits(allowed, None)
    ratio = t_interval(effect.differences, 1 - alpha)
    low, high = (None if limit is None else math.expm1(limit) for limit in (ratio.low, ratio.high))
    return Bits(allowed, replace(ratio, mean=math.expm1(ratio.mean), low=low, high=high, standard_deviation=None))


Measured = Literal["quality", "rate"]


@dataclass(frozen=True)
class CurveEffect:
    """The Bjøntegaard difference of a level to the baseline level, as an effect with one difference a seed.

    Attributes:
        effect: in the unit of the metric, or for `measured` "rate" as a share of bits.
        along: the axis whose levels are the points of a curve.
        overlap: the least share of their range that two compared curves have in common.
        disagreement: the largest difference between the two ways to interpolate.
        refused: why pairs of curves could not be compared, each reason once.
    """

    effect: Effect
    measured: Measured
    along: str
    overlap: float | None
    disagreement: float | None
    refused: tuple[str, ...]


def curve_axis(study: Study, but: str = "") -> str | None:
    """Returns the numeric axis that can be the points of a curve: of those with four levels, what moves bits most."""
    axes = [each for each in study.axes if each.numbers and len(each.levels) >= MIN_POINTS and each.name != but]
    found = max(axes, key=lambda axis: study.moved[axis.name], default=None)
    return found.name if found else None


def curve_effect(
    study: Study, metric: str, axis: str, level: str, measured: Measured = "quality", weights: str = WEIGHTS[0]
) -> CurveEffect | None:
    """Returns the Bjøntegaard difference of a level to the baseline level, None where no other axis draws a curve."""
    along = curve_axis(study, axis)
    own = next((each for each in study.axes if each.name == axis), None)
    if along is None or own is None:
        return None
    curves = _curves(study, axis, along, metric, weights)
    return _curve_effect((axis, level, own.baseline), along, metric, measured, curves)


_Curves = dict[str, dict[tuple[int, Block], list[tuple[float, float]]]]


def _curves(study: Study, axis: str, along: str, metric: str, weights: str) -> _Curves:
    """Returns the points (rate, value) of each level by seed and by the levels of all axes but these two."""
    others = [other.name for other in study.axes if other.name != axis]
    index = others.index(along)
    groups: _Curves = {}
    for (level, seed, block), cell in study.slots[axis].items():
        rest = (*block[:index], *block[index + 1 :])
        points = groups.setdefault(level, {}).setdefault((seed, rest), [])
        rate, value = cell.score(rate_of(metric), weights), cell.score(metric, weights)
        if rate is not None and value is not None:
            points.append((rate, value))
    return groups


def _curve_effect(
    names: tuple[str, str, str], along: str, metric: str, measured: Measured, curves: _Curves
) -> CurveEffect:
    axis, level, baseline = names
    own, other = curves.get(level, {}), curves.get(baseline, {})
    planned = [at for at in own if at in other]
    compare = bd_quality if measured == "quality" else bd_rate
    found, refused = {}, []
    for at in planned:
        try:
            found[at] = compare(Curve.of(own[at]), Curve.of(other[at]))
        except ValueError as error:
            refused.append(str(error))
    by_seed = seed_means({at: difference.value for at, difference in found.items()})
    values = [value for at in found for _, value in other[at]]
    reference = sum(values) / len(values) if values and measured == "quality" else None
    return CurveEffect(
        Effect(axis, level, baseline, metric, by_seed, seed_interval(by_seed), len(found), len(planned), reference),
        measured,
        along,
        min((each.overlap for each in found.values()), default=None),
        max((each.disagreement for each in found.values()), default=None), tuple(dict.fromkeys(refused)),
    )  # fmt: skip
