"""Reservations that the design of a grid puts on its headline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablate.analysis import Winner, candidates, seeds_for, smallest_p
from ablate.records import Status
from ablate.report.document import Text, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import joined, plural, probability, with_unit

NAMED = 4
"""So many arms are listed by name; more are counted."""
RATE = "bpp_actual"
RATE_TOLERANCE = 0.01
"""Arms whose bits differ by more than this share are not compared at equal bits."""


def limits(evidence: Evidence, winners: Sequence[Winner]) -> list[Text]:
    """Returns the reservations that the headline stands under."""
    study = evidence.study
    found = [*_seeds(evidence)]
    compared = candidates(study)
    if len(compared) > 1:
        found.append(
            text(
                f"The best of {len(compared)} arms was picked after looking at all of them, which favours lucky ",
                "seeds: its lead is exploratory until it is repeated with fresh seeds.",
            )
        )
    found += _bits(evidence, winners)
    found += _taught(evidence)
    left = len(evidence.finished) - len(compared)
    if left:
        verb = "was" if left == 1 else "were"
        found.append(text(f"{plural(left, 'arm')} with fewer finished seeds {verb} not allowed to win."))
    missing = sum(cell.status is not Status.done for cell in study.cells)
    if missing:
        cells = plural(len(study.cells), "planned cell")
        found.append(text(f"{missing} of {cells} gave no measurement (see Completeness)."))
    found += _repeats(evidence)
    found.append(_test_set(evidence))
    return found


def _seeds(evidence: Evidence) -> Iterator[Text]:
    """Says what the number of seeds rules out, and what is the smallest difference that they can find."""
    declared = [each for found in evidence.contrasts.values() for each in found if each.declared]
    comparisons = max((each.family for each in declared), default=1)
    corrected = comparisons if any(each.correction == "holm" for each in declared) else 1
    seeds, needed = len(evidence.study.seeds), seeds_for(evidence.alpha)
    reached = probability(smallest_p(seeds))
    if seeds < needed:
        more = seeds_for(evidence.alpha, corrected)
        family = f" for a single comparison, and {corrected} corrected by Holm take {more}" if more > needed else ""
        yield text(
            strong(f"{plural(seeds, 'seed')} cannot reach significance: "),
            f"the smallest p is {reached}; {needed} seeds reach {probability(smallest_p(needed))}{family}. ",
            "There is no interval either." if seeds == 1 else "Intervals are shown, p-values are not.",
        )
    elif smallest_p(seeds) * corrected > evidence.alpha:
        more = seeds_for(evidence.alpha, corrected)
        yield text(
            strong(f"{seeds} seeds reach p = {reached}, "),
            f"but not {evidence.alpha:g} once Holm accounts for {corrected} comparisons; {more} seeds would. "
            "Fewer axes under [compare] axes make fewer comparisons.",
        )
    else:
        yield from _detectable(evidence)


def _detectable(evidence: Evidence) -> Iterator[Text]:
    """Says which differences the design would have found, for metrics that are claimed."""
    for metric in evidence.primary:
        found = [each for each in evidence.contrasts.get(metric.name, ()) if each.declared and each.detectable]
        if found:
            worst = max(each.detectable or 0.0 for each in found)
            words = "any" if len(found) == 1 else f"all {len(found)}"
            yield text(
                f"In {metric.label}, {words} of the declared comparisons would have shown a true difference from zero "
                f"of {with_unit(metric, worst)}",
                " with 80 % power by Student's test; the exact one, which a verdict takes too, misses some of them.",
            )


def _bits(evidence: Evidence, winners: Sequence[Winner]) -> Iterator[Text]:
    """Says which winners spend other bits than the baseline."""
    baseline, rates = evidence.study.baseline, evidence.means(RATE)
    if baseline is None or baseline.name not in rates:
        return
    for name in dict.fromkeys(won.arm for won in winners):
        share = rates.get(name, rates[baseline.name]) / rates[baseline.name] - 1
        if abs(share) > RATE_TOLERANCE:
            more = "more" if share > 0 else "fewer"
            yield text(
                strong(name),
                f" spends {abs(share):.1%} {more} bits than the baseline: their quality is not compared at equal bits.",
            )


def _taught(evidence: Evidence) -> Iterator[Text]:
    """Names the arms that were trained against a network that measures them, which gives no verdict there."""
    arms: dict[str, list[str]] = {}
    for name, metric in evidence.metrics.items():
        for arm in evidence.finished:
            if arm.trained_against(name):
                arms.setdefault(arm.name, []).append(metric.label)
    groups: dict[tuple[str, ...], list[str]] = {}
    for arm_name, labels in arms.items():
        groups.setdefault(tuple(labels), []).append(arm_name)
    for measured, names in groups.items():
        listed = joined(names) if len(names) <= NAMED else f"{joined(names[:NAMED])} and {len(names) - NAMED} others"
        verb, whom = ("is", "it") if len(names) == 1 else ("are", "them")
        yield text(
            strong(listed),
            f" {verb} trained against the network that measures {joined(list(measured))}, which flatters {whom} ",
            "there: no verdict rests on it, and such an arm neither wins by it nor stands in a trade-off of it.",
        )


def _repeats(evidence: Evidence) -> Iterator[Text]:
    """Says by how much a cell differs from itself when it is run again."""
    for arm in evidence.study.arms:
        for cell in arm.again:
            first = arm.of_seed(cell.seed)
            parts = []
            for metric in evidence.primary:
                pair = (cell.score(metric.name), first.score(metric.name) if first else None)
                if pair[0] is not None and pair[1] is not None:
                    parts.append(f"{metric.label} {with_unit(metric, abs(pair[0] - pair[1]))}")
            if parts:
                yield text(
                    f"{arm.name} run twice with seed {cell.seed} differs from itself by {joined(parts)}: ",
                    "what the machine alone moves.",
                )


def _test_set(evidence: Evidence) -> Text:
    images = plural(len(evidence.per_image.images), "held-out image")
    sentence = f"All values rest on {images}; other images may rank the arms otherwise."
    distances = [metric.label for metric in evidence.metrics.values() if metric.name.startswith("fd_")]
    if distances:
        verb, compares = ("is", "compares") if len(distances) == 1 else ("are", "compare")
        sentence += (
            f" {joined(distances)} {verb} not the FID of the literature and {compares} with nothing outside this grid."
        )
    return text(sentence)
