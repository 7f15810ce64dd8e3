"""Comparisons to the baseline in words: the difference, its certainty, and what may be claimed of it."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.analysis import BESIDE, Contrast, Effect, leaning, smallest_p
from ablate.metrics import Metric
from ablate.report.document import Span, code, strong
from ablate.report.numbers import fixed, interval, joined, plural, probability, with_unit

TOO_FEW = ("seeds", "family")
"""Reasons for no verdict that lie in the number of seeds."""

LEVELS = 3
"""Levels of an axis that sentences name; figures and tables have all of them."""

CORRECTIONS = {"holm": "Holm", "benjamini-hochberg": "Benjamini-Hochberg"}


def subject(contrast: Contrast) -> list[Span | str]:
    """Returns what is compared with what."""
    effect = contrast.effect
    if effect.axis == BESIDE:
        return [strong(effect.level), f" against {effect.baseline}"]
    return [code(effect.axis), " ", strong(effect.level), f" against {effect.baseline}"]


def foremost(group: Sequence[Contrast]) -> list[Contrast]:
    """Returns the comparisons of an axis to name: a verdict counts first, then the difference; in the order given."""

    def place(each: Contrast) -> tuple[bool, float]:
        own = each.effect.interval
        return each.verdict not in ("better", "worse"), -abs(own.mean) if own else 0.0

    kept = sorted(group, key=place)[:LEVELS]
    return [each for each in group if each in kept]


def comparison(effect: Effect, gap: str = " ") -> str:
    """Names what is compared with what in a few words, `gap` apart."""
    return effect.level if effect.axis == BESIDE else f"{effect.axis}{gap}{effect.level}{gap}vs {effect.baseline}"


def label(metric: Metric, contrast: Contrast) -> str:
    """Returns the metric's name, that of its Bjøntegaard difference where one was taken."""
    return f"BD-{metric.label}" if contrast.curve else metric.label


def difference(metric: Metric, contrast: Contrast) -> str:
    """Writes the mean difference with its unit and the interval that it is judged by."""
    if contrast.judgement is None:
        return "no pairs"
    own = contrast.judgement.interval
    return f"{with_unit(metric, own.mean, signed=True)} {interval(own, metric.decimals)}"


def correction(contrast: Contrast) -> str:
    """Says how its p-values are corrected, and for how many comparisons."""
    if contrast.correction == "none":
        return "uncorrected"
    return f"{CORRECTIONS[contrast.correction]} over {contrast.family}"


def certainty(metric: Metric, contrast: Contrast, planned: int) -> str:
    """Writes what a verdict rests on: the margin, the corrected p-value of its claim and the seeds."""
    if contrast.judgement is None:
        return ""
    parts = [f"margin {fixed(contrast.margin, metric.decimals)}"] if contrast.margin else []
    corrected = f", {correction(contrast)}" if contrast.family > 1 else ""
    p = contrast.adjusted_claim_p
    parts += [f"p = {probability(p)}{corrected}"] if p is not None else []
    return ", ".join([*parts, f"{contrast.judgement.interval.n} of {plural(planned, 'seed')}"])


def sentence(metric: Metric, contrast: Contrast, planned: int) -> list[Span | str]:
    """Returns one metric's part of a verdict line."""
    said = difference(metric, contrast)
    if contrast.judgement is None:
        return [f"{label(metric, contrast)}: {why_not(contrast)}"]
    if contrast.reason in TOO_FEW:
        # Told once, in the headline.
        return [f"{label(metric, contrast)} {said}"]
    words = f"{label(metric, contrast)} {said} ({certainty(metric, contrast, planned)}): "
    why = f", {why_not(contrast)}" if contrast.reason else ""
    return [words, strong(contrast.verdict), why]


def verdict(contrast: Contrast) -> str:
    """Writes the verdict; what was not declared is exploratory."""
    if contrast.declared or contrast.verdict == "inconclusive":
        return contrast.verdict
    return f"{contrast.verdict} (exploratory)"


def why_not(contrast: Contrast) -> str:
    """Says why there is no verdict and what it would take."""
    judged = contrast.judgement
    if contrast.reason == "curves" or (contrast.reason == "pairs" and contrast.curve):
        refused = contrast.curve.refused if contrast.curve else ()
        return (
            f"no curves to compare at equal bits ({joined(list(refused)) or 'no other axis draws one of four points'})"
        )
    if contrast.reason == "protocol":
        return f"not measured alike: {contrast.other_protocol}"
    if contrast.reason == "taught":
        return f"no verdict: {contrast.taught} trained against the network that measures it"
    if judged is None:
        return "no seed has finished on both sides"
    if contrast.reason in TOO_FEW:
        reached = f"you have {judged.interval.n} ({probability(judged.smallest_p)} at best)"
        smallest = probability(smallest_p(contrast.seeds_needed))
        if contrast.family == 1 or contrast.correction != "holm":
            return f"{plural(contrast.seeds_needed, 'seed')} reach p = {smallest}; {reached}"
        made = f"{contrast.family} comparisons corrected together"
        return f"{plural(contrast.seeds_needed, 'seed')} reach the p = {smallest} that {made} take; {reached}"
    if contrast.reason == "bits":
        return _bits(contrast)
    if contrast.reason == "spread":
        return _spread(contrast)
    return ""


def _bits(contrast: Contrast) -> str:
    assert contrast.bits is not None
    assert contrast.bits.tolerance is not None
    if contrast.bits.share is None:
        return "no verdict on quality: its bits are not known"
    share, allowed = contrast.bits.share, contrast.bits.tolerance
    spent = f"its bits are {fixed(100 * share.mean, 1, signed=True)} % {interval(share, 1, 100)}"
    return f"no verdict on quality: {spent}, not shown to match within {100 * allowed:.3g} %"


def _spread(contrast: Contrast) -> str:
    judged = contrast.judgement
    assert judged is not None
    if leaning(judged.interval, contrast.margin, contrast.direction) != "inconclusive":
        also = ", as does that for seeds that fall to one side" if judged.claim == "equivalent" else ""
        corrected = "" if contrast.adjusted_claim_p == judged.claim_p else "corrected "
        return f"its interval alone would do, but the exact test counts too{also}, and the {corrected}p is above alpha"
    what = "the interval reaches over the margin" if contrast.margin else "not separable from zero"
    if contrast.seeds_resolving is None:
        return what
    return f"{what}; at this difference and spread about {contrast.seeds_resolving} seeds would tell"
