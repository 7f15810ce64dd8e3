"""Which arm comes first at what, by how much, and whether that lead may be chance: a description, never a verdict."""

from __future__ import annotations

from ablate.analysis import Comparison, Interval, Winner, candidates, frontier
from ablate.metrics import Metric
from ablate.report.document import Card, Span, Text, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import fixed, interval, joined, plural, spread


def ranking(evidence: Evidence, winners: list[Winner]) -> Text | None:
    """Returns who is ahead in a sentence, None where there is nobody to be ahead of."""
    compared = candidates(evidence.study)
    if not winners or len(compared) == 1:
        return None
    titles: dict[str, list[str]] = {}
    for each in winners:
        titles.setdefault(each.arm, []).append(_superlative(evidence.metrics[each.metric]))
    spans: list[Span | str] = [f"Among {plural(len(compared), 'arm')} compared, "]
    for number, (arm, best_at) in enumerate(titles.items()):
        spans += [" and " if number else "", strong(arm), f" has the {joined(best_at)}"]
    return text(*spans, f". {_doubt(evidence, winners)}{_trade(evidence, len(titles))}")


def _doubt(evidence: Evidence, winners: list[Winner]) -> str:
    """Says which leads over the runner-up may be chance."""
    gaps = {evidence.metrics[each.metric].label: each.runner_up.interval for each in winners if each.runner_up}
    unsure = [label for label, gap in gaps.items() if not gap.excludes_zero]
    if not unsure:
        return ""
    lead = f"The lead in {unsure[0]} is" if len(unsure) == 1 else f"The leads in {joined(unsure)} are"
    return f"{lead} not separable from the runner-up at {plural(max(gap.n for gap in gaps.values()), 'seed')}. "


def _trade(evidence: Evidence, winners: int) -> str:
    if winners == 1:
        everything = len(evidence.winners) == len(evidence.primary) > 1
        return "It is best on every primary metric." if everything else ""
    names = [metric.name for metric in evidence.primary]
    fair = [arm for arm in candidates(evidence.study) if not any(map(arm.trained_against, names))]
    points = {arm.name: [arm.mean(name) for name in names] for arm in fair}
    known = {name: [value for value in point if value is not None] for name, point in points.items()}
    complete = {name: point for name, point in known.items() if len(point) == len(evidence.primary)}
    if len(complete) < 2:
        return ""
    front = frontier(complete, [metric.better for metric in evidence.primary])
    return f"No arm is best at everything: {len(front)} of {len(complete)} are beaten by none, each a trade."


def _superlative(metric: Metric) -> str:
    return f"{'lowest' if metric.direction == 'lower' else 'highest'} {metric.label}"


def winner_card(evidence: Evidence, won: Winner) -> Card:
    """Returns the best arm on one metric with its lead over the runner-up and the baseline."""
    metric = evidence.metrics[won.metric]
    values = list(won.by_seed.values())
    lines = ["one seed" if len(values) == 1 else f"{len(values)} seeds: {spread(values, metric.decimals)}"]
    told: dict[str, tuple[Comparison, list[str]]] = {}
    for comparison, title in ((won.runner_up, "runner-up"), (won.baseline, "baseline")):
        if comparison is not None:
            told.setdefault(comparison.other, (comparison, []))[1].append(title)
    for other, (comparison, titles) in told.items():
        gap = fixed(comparison.interval.mean, metric.decimals, signed=True)
        limits = interval(comparison.interval, metric.decimals)
        lines.append(f"{gap} {limits} against the {joined(titles)} {other}")
    if won.runner_up is not None:
        lines.append(_certainty(won.runner_up.interval))
    title = _superlative(metric)
    value = fixed(won.mean, metric.decimals)
    return Card(title[:1].upper() + title[1:], value, metric.unit, won.arm, tuple(lines))


def _certainty(gap: Interval) -> str:
    if gap.low is None:
        return "with one seed the spread of the lead over the runner-up is not known"
    if not gap.excludes_zero:
        return f"not separable from the runner-up at {gap.n} seeds"
    return f"the interval over {gap.n} seeds excludes zero, but this arm was picked because it was ahead"
