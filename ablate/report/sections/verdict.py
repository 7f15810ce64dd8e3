"""The headline: which arm is best at what, what moved it, and what this design cannot say."""

from __future__ import annotations

from dataclasses import asdict

from ablate.analysis import (
    Axis,
    Comparison,
    Effect,
    Interval,
    Winner,
    candidates,
    effects,
    frontier,
    seeds_for,
    smallest_p,
    winner,
)
from ablate.report.document import Block, Card, Cards, Items, Section, Span, Text, code, strong, text
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import fixed, interval, joined, plural, probability, spread
from ablate.report.sections.limits import limits

LEVELS = 3
"""Levels of an axis whose effects the headline tells; the section on effects has all of them."""

Moved = dict[str, tuple[Effect, ...]]
"""Metric -> the effect of every level of every axis."""


def verdict(evidence: Evidence) -> Section:
    """Returns the section that a reader with two minutes reads."""
    if not evidence.finished:
        said = _nothing(evidence)
        return Section("verdict", "Verdict", (said,), {"winners": [], "sentences": [said.plain]})
    study = evidence.study
    found = [winner(study, measure.name, measure.direction or "higher") for measure in evidence.primary]
    winners = [each for each in found if each]
    moved = {measure.name: effects(study, measure.name, alpha=evidence.alpha) for measure in evidence.primary}
    unsaid = limits(evidence, winners, sum(map(len, moved.values())))
    lead = _lead(evidence, winners)
    blocks: list[Block] = [lead, Cards(tuple(_card(evidence, each) for each in winners))]
    sentences = _moved(evidence, moved)
    if sentences:
        blocks.append(Items("What moved the results", tuple(sentences)))
    blocks.append(Items("What this cannot say", tuple(unsaid)))
    numbers = {
        "winners": [asdict(each) for each in winners],
        "smallest_p": smallest_p(len(study.seeds)),
        "seeds_needed": seeds_for(evidence.alpha),
        "alpha": evidence.alpha,
        "sentences": [each.plain for each in (lead, *sentences, *unsaid)],
    }
    return Section("verdict", "Verdict", tuple(blocks), numbers)


def _nothing(evidence: Evidence) -> Text:
    study = evidence.study
    if study.cells and all(cell.status == "diverged" for cell in study.cells):
        said = " There is no codec to measure; Completeness says where and why."
        return text(strong("Every cell diverged."), said, kind="lead")
    return text(
        strong("No cell has finished yet"),
        f", so there is nothing to compare. {plural(len(study.cells), 'cell')} planned; ",
        code(f"ablate run {study.name}.toml"),
        " trains them, and the report fills as they finish.",
        kind="lead",
    )


def _lead(evidence: Evidence, winners: list[Winner]) -> Text:
    if not winners:
        said = "Cells have finished, but none was measured by a metric that arms are ranked by."
        return text(strong(said), kind="lead")
    if len(evidence.study.arms) == 1:
        return text("The grid has one arm, so there is nothing to rank; its values are below.", kind="lead")
    titles: dict[str, list[str]] = {}
    for each in winners:
        titles.setdefault(each.arm, []).append(_superlative(evidence.measures[each.metric]))
    spans: list[Span | str] = [f"Among {plural(len(candidates(evidence.study)), 'arm')} compared, "]
    for number, (arm, best_at) in enumerate(titles.items()):
        spans += [" and " if number else "", strong(arm), f" has the {joined(best_at)}"]
    return text(*spans, f". {_doubt(evidence, winners)}{_trade(evidence, len(titles))}", kind="lead")


def _doubt(evidence: Evidence, winners: list[Winner]) -> str:
    """Says which leads over the runner-up may be chance."""
    gaps = {evidence.measures[each.metric].label: each.runner_up.interval for each in winners if each.runner_up}
    unsure = [label for label, gap in gaps.items() if not gap.excludes_zero]
    if not unsure:
        return ""
    lead = f"The lead in {unsure[0]} is" if len(unsure) == 1 else f"The leads in {joined(unsure)} are"
    return f"{lead} not separable from the runner-up at {plural(max(gap.n for gap in gaps.values()), 'seed')}. "


def _trade(evidence: Evidence, winners: int) -> str:
    if winners == 1:
        return "It is best on every primary metric." if len(evidence.primary) > 1 else ""
    points = {arm.name: _means(evidence, arm.name) for arm in candidates(evidence.study)}
    complete = {name: point for name, point in points.items() if len(point) == len(evidence.primary)}
    front = frontier(complete, [measure.direction or "higher" for measure in evidence.primary])
    return f"No arm is best at everything: {len(front)} of {len(complete)} are beaten by none, each a trade."


def _means(evidence: Evidence, name: str) -> list[float]:
    arm = next(arm for arm in evidence.finished if arm.name == name)
    found = [arm.scores(measure.name) for measure in evidence.primary]
    return [sum(values.values()) / len(values) for values in found if values]


def _superlative(measure: Measure) -> str:
    return f"{'lowest' if measure.direction == 'lower' else 'highest'} {measure.label}"


def _card(evidence: Evidence, won: Winner) -> Card:
    measure = evidence.measures[won.metric]
    values = list(won.by_seed.values())
    lines = [f"seeds: {spread(values, measure.decimals)} (n = {len(values)})"]
    told: dict[str, tuple[Comparison, list[str]]] = {}
    for comparison, title in ((won.runner_up, "runner-up"), (won.baseline, "baseline")):
        if comparison is not None:
            told.setdefault(comparison.other, (comparison, []))[1].append(title)
    for other, (comparison, titles) in told.items():
        gap = fixed(comparison.interval.mean, measure.decimals, signed=True)
        limits = interval(comparison.interval, measure.decimals)
        lines.append(f"{gap} {limits} against the {joined(titles)} {other}")
    if won.runner_up is not None:
        lines.append(_certainty(won.runner_up.interval))
    title = _superlative(measure)
    value = fixed(won.mean, measure.decimals)
    return Card(title[:1].upper() + title[1:], value, measure.unit, won.arm, tuple(lines))


def _certainty(gap: Interval) -> str:
    if gap.low is None:
        return "one seed: the lead over the runner-up has no known spread"
    if not gap.excludes_zero:
        return f"not separable from the runner-up at {gap.n} seeds"
    return f"the interval over {gap.n} seeds excludes zero, but this arm was picked because it was ahead"


def _moved(evidence: Evidence, moved: Moved) -> list[Text]:
    """Returns a sentence for each of the largest effects of each axis."""
    sentences = []
    for axis in evidence.study.axes:
        levels = _largest(axis, moved)
        for level in levels:
            parts = [
                _effect_text(evidence.measures[metric], effect)
                for metric, found in moved.items()
                for effect in found
                if (effect.axis, effect.level) == (axis.name, level) and effect.interval
            ]
            rest = len(axis.levels) - 1 - len(levels)
            more = f" ({plural(rest, 'other level')} moved it less.)" if rest and level == levels[-1] else ""
            start: list[Span | str] = [code(axis.name), " ", strong(level), f" against {axis.baseline}: "]
            sentences.append(text(*start, "; ".join(parts), f".{more}"))
    return sentences


def _largest(axis: Axis, moved: Moved) -> list[str]:
    """Returns the levels with the largest effects on the first metric, in the order of the axis."""
    first = next(iter(moved.values()), ())
    sizes = {each.level: abs(each.interval.mean) for each in first if each.axis == axis.name and each.interval}
    kept = sorted(sizes, key=lambda level: -sizes[level])[:LEVELS]
    return [level for level in axis.levels if level in kept]


def _effect_text(measure: Measure, effect: Effect) -> str:
    assert effect.interval is not None
    unit = f" {measure.unit}" if measure.unit else ""
    value = fixed(effect.interval.mean, measure.decimals, signed=True)
    words = f"{measure.label} {value}{unit} {interval(effect.interval, measure.decimals)}"
    if effect.adjusted_p is not None:
        return f"{words}, p = {probability(effect.adjusted_p)} (Holm)"
    if effect.interval.low is not None and not effect.interval.excludes_zero:
        return f"{words}, not separable from zero"
    return words
