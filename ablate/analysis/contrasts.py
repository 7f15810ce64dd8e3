"""Every comparison to the baseline with what may be claimed of it: corrected for its family, at equal bits, or not."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from ablate.analysis.bits import Bits, CurveEffect, bits, curve_effect, is_rate, logarithm_of, tolerance
from ablate.analysis.comparable import other_protocol, taught
from ablate.analysis.effect_size import detectable, hedges_g, seeds_to_resolve
from ablate.analysis.effects import Effect, Score, effects, score_of
from ablate.analysis.frontier import Direction
from ablate.analysis.intervals import Interval
from ablate.analysis.margins import margin_value
from ablate.analysis.significance import benjamini_hochberg, holm, seeds_for
from ablate.analysis.study import Study
from ablate.analysis.verdicts import Conclusion, Judgement, judge
from ablate.metrics.naming import rate_of
from ablate.records import WEIGHTS

Correction = Literal["holm", "benjamini-hochberg", "none"]


class Doubt(StrEnum):
    """Reasons for an inconclusive verdict; `none` where there is a verdict."""

    none = ""
    pairs = "pairs"
    """There are no pairs."""
    protocol = "protocol"
    """Pairs were not measured alike."""
    taught = "taught"
    """Cells were trained against the network that the metric looks through."""
    seeds = "seeds"
    """Seeds are too few for one test."""
    family = "family"
    """Seeds are too few for all tests of the family."""
    bits = "bits"
    """The sides spend other bits."""
    curves = "curves"
    """There are no curves to compare at equal bits."""
    spread = "spread"
    """The interval reaches over the margin."""


@dataclass(frozen=True)
class Contrast:
    """A level against the baseline level on one metric.

    Attributes:
        effect: the paired differences; at equal bits by Bjøntegaard where the grid asks for it, see `curve`.
        direction: which sign is better.
        declared: whether the grid file claims it: a primary metric and an axis that is not left to exploration.
        margin: the smallest difference that matters, 0 where none is declared.
        judgement: what it says by itself; None without pairs.
        family: how many tests it is corrected with.
        correction: how.
        adjusted_p: the sign-flip p-value, corrected.
        adjusted_claim_p: the p-value of the verdict's own claim, corrected.
        verdict: what may be said.
        reason: why it is inconclusive.
        other_protocol: in what the two sides were not measured alike.
        taught: the sides that were trained against the network that the metric looks through.
        bits: how the bits compare; None for metrics that are bits themselves.
        curve: the Bjøntegaard difference that stands in for the effect.
        hedges_g: the paired effect size.
        detectable: the difference from zero that Student's test finds with 80 % power at its corrected level; None
            where no verdict could follow, by too few seeds or another reason.
        seeds_needed: how many seeds it takes until a p-value can reach alpha at the first step of the correction.
        seeds_resolving: how many it would take, at the difference and the spread that were seen, until the corrected
            interval keeps to one side of the margin; None where that is more than anyone would run.
    """

    effect: Effect
    direction: Direction
    declared: bool
    margin: float
    judgement: Judgement | None
    family: int = 1
    correction: Correction = "none"
    adjusted_p: float | None = None
    adjusted_claim_p: float | None = None
    verdict: Conclusion = "inconclusive"
    reason: Doubt = Doubt.none
    other_protocol: str = ""
    taught: str = ""
    bits: Bits | None = None
    curve: CurveEffect | None = None
    hedges_g: float | None = None
    detectable: float | None = None
    seeds_needed: int = 1
    seeds_resolving: int | None = None

    @property
    def can_reach(self) -> bool:
        """Whether the design lets any p-value of this contrast reach alpha, the others of its family counted."""
        return self.judgement is not None and self.reason not in (Doubt.seeds, Doubt.family)


def contrasts(
    study: Study, directions: Mapping[str, Direction], *, primary: Container[str] | None = None,
    weights: str = WEIGHTS[0], read: Callable[[str], Score] | None = None,
) -> dict[str, tuple[Contrast, ...]]:  # fmt: skip
    """Returns every contrast on every metric, in the order of the axes, arms beside them last.

    Args:
        study: what to read, and the grid file's [compare]: alpha, margin, correction, rate_match and axes.
        directions: the metrics to compare on, and which way is better.
        primary: the metrics that the grid ranks by, all where it is not given; others are exploratory.
        weights: the set of weights that cells were measured with.
        read: metric -> a cell's value, where it is not that of the metric under these weights.
    """
    read = read or (lambda metric: score_of(metric, weights))
    rates = dict.fromkeys(map(rate_of, directions))
    spent = {
        rate: {each.key: each for each in effects(study, rate, logarithm_of(score_of(rate, weights)))} for rate in rates
    }
    found = [
        _estimate(study, effect, direction, primary is None or metric in primary, weights, spent[rate_of(metric)])
        for metric, direction in directions.items()
        for effect in effects(study, metric, read(metric))
    ]
    done = {}
    for family, correction in _families(study, found):
        for each in _corrected(family, correction, study.compare.alpha):
            done[each.effect.metric, each.effect.key] = each
    return {
        metric: tuple(done[metric, each.effect.key] for each in found if each.effect.metric == metric)
        for metric in directions
    }


def _families(study: Study, found: Sequence[Contrast]) -> Iterator[tuple[list[Contrast], Correction]]:
    """Goes through what is corrected together: what is declared, by metric or all at once, and each metric's rest."""
    way = study.compare.correction
    declared = [each for each in found if each.declared]
    if way == "holm-all":
        yield declared, "holm"
    for metric in dict.fromkeys(each.effect.metric for each in found):
        if way != "holm-all":
            yield [each for each in declared if each.effect.metric == metric], "none" if way == "none" else "holm"
        yield [each for each in found if each.effect.metric == metric and not each.declared], "benjamini-hochberg"


def _estimate(
    study: Study, effect: Effect, direction: Direction, primary: bool, weights: str,
    spent: Mapping[tuple[str, str], Effect],
) -> Contrast:  # fmt: skip
    """Judges an effect by itself, at equal bits or with what its bits are."""
    axes = study.compare.axes
    keys = {axis.name: axis.keys for axis in study.axes}.get(effect.axis, ())
    declared = primary and (not axes or any(key in axes for key in keys))
    match = study.compare.rate_match
    if unlike := other_protocol(study, effect):
        return replace(_judged(study, effect, direction, declared), reason=Doubt.protocol, other_protocol=unlike)
    if sides := taught(study, effect):
        return replace(_judged(study, effect, direction, declared), reason=Doubt.taught, taught=sides)
    if is_rate(effect.metric):
        return _judged(study, effect, direction, declared)
    share = bits(spent.get(effect.key), tolerance(match), study.compare.alpha)
    if match != "bd":
        return replace(_judged(study, effect, direction, declared), bits=share)
    curve = curve_effect(study, effect.metric, effect.axis, effect.level, weights=weights)
    if curve is None:
        return replace(_judged(study, effect, direction, declared), bits=share, reason=Doubt.curves)
    own = _judged(study, curve.effect, direction, declared)
    return replace(own, bits=share, curve=curve, reason=Doubt.none if own.judgement else Doubt.curves)


def _judged(study: Study, effect: Effect, direction: Direction, declared: bool) -> Contrast:
    values = effect.differences
    margin = margin_value(study.compare.margin.get(effect.metric), effect.reference or 0.0)
    own = judge(values, margin, direction, study.compare.alpha) if values else None
    return Contrast(effect, direction, declared, margin, own, hedges_g=hedges_g(values))


def _corrected(family: Sequence[Contrast], correction: Correction, alpha: float) -> list[Contrast]:
    """Corrects the members for each other; one without pairs keeps its place with p = 1."""
    ways: dict[Correction, Callable[[Sequence[float]], list[float]]]
    ways = {"holm": holm, "benjamini-hochberg": benjamini_hochberg, "none": list}
    adjust = ways[correction]
    p_values = adjust([each.judgement.p if each.judgement else 1.0 for each in family])
    claims = adjust([each.judgement.claim_p if each.judgement else 1.0 for each in family])
    return [
        _concluded(replace(each, family=len(family), correction=correction), p, claim, alpha)
        for each, p, claim in zip(family, p_values, claims, strict=True)
    ]


def _concluded(each: Contrast, p: float, claim_p: float, alpha: float) -> Contrast:
    # What Holm asks of the smallest p-value of the family.
    level = alpha / each.family if each.correction == "holm" else alpha
    needed = seeds_for(level)
    own = each.judgement
    if own is None:
        return replace(each, seeds_needed=needed, reason=each.reason or Doubt.pairs)
    outcome: Conclusion = own.claim if claim_p <= alpha else "inconclusive"
    reason = each.reason or _reason(each, own.smallest_p, outcome, alpha, level)
    deviation = own.interval.standard_deviation
    may_tell = not each.reason and own.interval.n >= needed
    return replace(
        each,
        adjusted_p=p,
        adjusted_claim_p=claim_p,
        verdict="inconclusive" if reason else outcome,
        reason=reason,
        detectable=detectable(own.interval.n, deviation, level) if deviation and may_tell else None,
        seeds_needed=needed,
        seeds_resolving=_resolving(own.interval, each.margin, level, needed),
    )


def _resolving(seen: Interval, margin: float, level: float, needed: int) -> int | None:
    """Returns how many seeds would tell, at the difference and spread that are seen."""
    mean = abs(seen.mean)
    if not seen.standard_deviation:
        return None
    seeds = seeds_to_resolve(seen.standard_deviation, abs(mean - margin), level, inside=mean < margin)
    return None if seeds is None else max(seeds, needed)


def _reason(each: Contrast, smallest: float, outcome: Conclusion, alpha: float, level: float) -> Doubt:
    # Seeds that the first step of Holm is out of reach for may suffice once arms with more seeds have been decided.
    if outcome == "inconclusive":
        return Doubt.seeds if smallest > alpha else Doubt.family if smallest > level else Doubt.spread
    if each.curve is None and each.bits is not None and not each.bits.allow(outcome):
        return Doubt.bits
    return Doubt.none
