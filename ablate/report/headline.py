"""The first line of a report: what was learned and with what certainty, or why nothing can be claimed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ablate.analysis import Conclusion, Contrast
from ablate.records import CELL_STATUSES
from ablate.report.claims import TOO_FEW, certainty, difference, label, subject, why_not
from ablate.report.document import Span, Text, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import counted, joined, plural

OUTCOMES: tuple[Conclusion, ...] = ("better", "worse", "equivalent", "inconclusive")


def headline(evidence: Evidence) -> Text:
    """Returns the headline from the declared comparisons."""
    if not evidence.primary:
        said = "Cells have finished, but none was measured by a metric that arms are ranked by."
        return text(strong(said), kind="lead")
    if len(evidence.study.arms) == 1:
        return text("The grid has one arm, so there is nothing to rank; its values are below.", kind="lead")
    declared = [each for found in evidence.contrasts.values() for each in found if each.declared]
    claims = [each for each in declared if each.verdict != "inconclusive"]
    if claims:
        return _claimed(evidence, declared, claims)
    return _unclaimed(evidence, declared)


def _claimed(evidence: Evidence, declared: Sequence[Contrast], claims: Sequence[Contrast]) -> Text:
    first = strongest(claims)
    metric = evidence.metrics[first.effect.metric]
    verb = "is equivalent to" if first.verdict == "equivalent" else f"is {first.verdict} than"
    name = [*subject(first)][:-1]
    other = first.effect.baseline
    sure = certainty(metric, first, len(evidence.study.seeds))
    said = f" {verb} {other} in {label(metric, first)}: {difference(metric, first)} ({sure})."
    return text(*name, said, f" {_count(evidence, declared)}", kind="lead")


def _count(evidence: Evidence, declared: Sequence[Contrast]) -> str:
    if len(declared) == 1:
        return "It is the one comparison that was declared."
    counts = Counter(each.verdict for each in declared)
    listed = counted({outcome: counts[outcome] for outcome in OUTCOMES})
    metrics = joined([metric.label for metric in evidence.primary])
    return f"Of {len(declared)} declared comparisons on {metrics}, verdicts are: {listed}."


def strongest(contrasts: Sequence[Contrast]) -> Contrast:
    """Returns what to tell first: better or worse before equivalent, the first metric, then the clearest."""
    metrics = list(dict.fromkeys(each.effect.metric for each in contrasts))

    def place(each: Contrast) -> tuple[bool, int, float]:
        clearest = abs(each.hedges_g) if each.hedges_g is not None else 0.0
        return each.verdict == "equivalent", metrics.index(each.effect.metric), -clearest

    return min(contrasts, key=place)


def _unclaimed(evidence: Evidence, declared: Sequence[Contrast]) -> Text:
    measured = [each for each in declared if each.judgement]
    if not measured:
        return text(strong("Nothing can be claimed: "), f"{_no_pairs(evidence)}.", kind="lead")
    largest = max(measured, key=_clearness)
    metric = evidence.metrics[largest.effect.metric]
    comparisons = "the one declared comparison" if len(declared) == 1 else f"{len(declared)} declared comparisons"
    spans: list[Span | str] = [strong("Nothing can be claimed "), f"from {comparisons}"]
    # Too few seeds are too few for every comparison; any other reason is the largest one's own.
    shared, own = largest.reason in TOO_FEW, largest.effect.interval
    spans += [f": {why_not(largest)}" if shared else ""]
    if own is None or own.standard_deviation is None:
        return text(*spans, ". One seed cannot say which difference stands out from chance.", kind="lead")
    spans += [". What stands out most is ", *subject(largest)]
    seeds = plural(own.n, "seed")
    spans += [f" in {label(metric, largest)}, {difference(metric, largest)} over {seeds}"]
    return text(*spans, "." if shared else f": {why_not(largest)}.", kind="lead")


def _no_pairs(evidence: Evidence) -> str:
    """Says why no comparison was measured; a baseline that never finished leaves none."""
    baseline = evidence.study.baseline
    if baseline is None or baseline in evidence.finished:
        return "no seed has finished on both sides of a comparison"
    counts = Counter(cell.status for cell in baseline.cells)
    ended = counted({status: counts[status] for status in CELL_STATUSES})
    return f"the baseline {baseline.name} has no finished cell ({ended})"


def _clearness(each: Contrast) -> tuple[bool, float]:
    """Returns how far a difference stands out from what seeds move it; one seed says nothing of that."""
    own = each.effect.interval
    if own is None or own.standard_deviation is None:
        return False, 0.0
    return True, abs(own.mean) / max(own.standard_deviation / math.sqrt(own.n), 1e-12)
