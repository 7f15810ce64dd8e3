"""The first sentences of a report, in everyday words: what was shown, or what was seen and cannot be claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ablate.analysis import BESIDE, Contrast
from ablate.analysis.contrasts import Doubt
from ablate.metrics import Metric
from ablate.records import CELL_STATUSES
from ablate.report.claims import TOO_FEW, foremost, label
from ablate.report.document import Span, Text, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import counted, joined, plural, with_unit

SENTENCES = 3
"""Sentences at most, each on one axis and one metric."""

_NO_VERDICT = {
    Doubt.bits: "cannot be judged: other bits than {baseline}",
    Doubt.protocol: "cannot be judged: not measured like {baseline}",
    Doubt.taught: "cannot be judged against {baseline}: trained against the network that measures",
    Doubt.curves: "cannot be judged: no curve at the bits of {baseline}",
    Doubt.seeds: "cannot be judged: too few seeds beside {baseline}",
    Doubt.family: "cannot be judged: too few seeds beside {baseline}",
}

Group = Sequence[Contrast]
"""Comparisons of one axis on one metric."""


def headline(evidence: Evidence) -> Text:
    """Returns the headline from the declared comparisons."""
    if not evidence.primary:
        said = "Cells have finished, but none was measured by a metric that arms are ranked by."
        return text(strong(said), kind="lead")
    if len(evidence.study.arms) == 1:
        return text("The grid has one arm, so there is nothing to rank; its values are below.", kind="lead")
    declared = [each for found in evidence.contrasts.values() for each in found if each.declared]
    measured = [each for each in declared if each.judgement and each.effect.interval]
    if not measured:
        return text(strong("Nothing can be claimed: "), f"{_no_pairs(evidence)}.", kind="lead")
    groups: dict[tuple[str, str], list[Contrast]] = {}
    for each in measured:
        groups.setdefault((each.effect.axis, each.effect.metric), []).append(each)
    # Axis by axis, each on every metric.
    axes = list(dict.fromkeys(axis for axis, _ in groups))
    ordered = [groups[key] for key in sorted(groups, key=lambda key: axes.index(key[0]))]
    if all(each.reason in TOO_FEW for each in measured):
        return _seen(evidence, ordered)
    return _shown(evidence, ordered)


def _shown(evidence: Evidence, groups: Sequence[Group]) -> Text:
    """Returns a sentence for each axis and metric, those with a verdict first."""
    groups = sorted(groups, key=lambda group: all(each.verdict == "inconclusive" for each in group))
    spans: list[Span | str] = []
    for group in groups[:SENTENCES]:
        metric = evidence.metrics[group[0].effect.metric]
        spans += [" " if spans else "", f"In {label(metric, group[0])}, ", *_verdicts(metric, group), "."]
    return text(*spans, _rest(len(groups) - SENTENCES), kind="lead")


def _verdicts(metric: Metric, group: Group) -> list[Span | str]:
    """Says of each level how it stands to the baseline; levels that no test tells from it together."""
    parts: list[list[Span | str]] = []
    named = foremost(group)
    for each in named:
        gap = each.effect.interval
        if gap is None or each.verdict == "inconclusive":
            continue
        if each.verdict == "equivalent":
            within = with_unit(metric, each.margin)
            parts.append([strong(f"{_level(each)} is equivalent to {each.effect.baseline}"), f" within {within}"])
        else:
            by = with_unit(metric, abs(gap.mean))
            parts.append([strong(f"{_level(each)} is {each.verdict} than {each.effect.baseline}"), f" by {by}"])
    doubtful: dict[str, list[str]] = {}
    for each in named:
        if each.verdict == "inconclusive":
            doubtful.setdefault(_NO_VERDICT.get(each.reason, "cannot be told from {baseline}"), []).append(_level(each))
    baseline = group[0].effect.baseline
    parts += [[f"{joined(levels)} {said.format(baseline=baseline)}"] for said, levels in doubtful.items()]
    return [*_listed(parts), _others(len(group) - len(named), group[0])]


def _seen(evidence: Evidence, groups: Sequence[Group]) -> Text:
    """Says what was seen where seeds are too few for any verdict, and how many it takes."""
    seeds = max(each.judgement.interval.n for group in groups for each in group if each.judgement)
    needed = max(each.seeds_needed for group in groups for each in group)
    spans: list[Span | str] = [strong(f"Seen with {plural(seeds, 'seed')}, too few to claim: ")]
    before = None
    for number, group in enumerate(groups[:SENTENCES]):
        metric, named = evidence.metrics[group[0].effect.metric], foremost(group)
        parts: list[list[Span | str]] = [[_seen_difference(metric, each)] for each in named]
        others = _others(len(group) - len(named), group[0])
        metric_named = "" if metric == before else f"in {label(metric, group[0])}, "
        spans += ["; " if number else "", metric_named, *_listed(parts), others]
        before = metric
    return text(*spans, f". {needed} seeds can show a difference.{_rest(len(groups) - SENTENCES)}", kind="lead")


def _seen_difference(metric: Metric, each: Contrast) -> str:
    assert each.effect.interval is not None
    mean = each.effect.interval.mean
    size = with_unit(metric, abs(mean))
    if size == with_unit(metric, 0.0):
        return f"{_level(each)} is {size} from {each.effect.baseline}"
    return f"{_level(each)} is {size} {'above' if mean > 0 else 'below'} {each.effect.baseline}"


def _level(each: Contrast) -> str:
    """Names a level as it is spoken: numbers with their axis, words alone."""
    effect = each.effect
    is_word = effect.axis == BESIDE or (effect.level[:1].isalpha() and effect.level not in ("true", "false", "none"))
    return effect.level if is_word else f"{effect.axis} {effect.level}"


def _listed(parts: Sequence[Sequence[Span | str]]) -> list[Span | str]:
    """Joins parts of a sentence with commas, the last with "and"."""
    spans: list[Span | str] = []
    for number, part in enumerate(parts):
        spans += ["" if not number else ", and " if number == len(parts) - 1 else ", ", *part]
    return spans


def _others(count: int, each: Contrast) -> str:
    return f" ({plural(count, 'other arm' if each.effect.axis == BESIDE else 'other level')} below)" if count else ""


def _rest(count: int) -> str:
    return f" {plural(count, 'more result')} below." if count > 0 else ""


def _no_pairs(evidence: Evidence) -> str:
    """Says why no comparison was measured; a baseline that never finished leaves none."""
    baseline = evidence.study.baseline
    if baseline is None or baseline in evidence.finished:
        return "no seed has finished on both sides of a comparison"
    counts = Counter(cell.status for cell in baseline.cells)
    ended = counted({status: counts[status] for status in CELL_STATUSES})
    return f"the baseline {baseline.name} has no finished cell ({ended})"
