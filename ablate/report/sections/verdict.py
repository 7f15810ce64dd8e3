"""The headline: which arm is best at what, what moved it, and what this design cannot say."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ablate.analysis import Arm, Axis, Effect, Interval, effects, frontier, seeds_for, smallest_p, t_interval
from ablate.report.document import Block, Card, Cards, Items, Section, Text, code, strong, text
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import NONE, fixed, interval, joined, plural, probability, spread

RATE = "bpp_actual"
RATE_TOLERANCE = 0.01
"""Arms whose bits differ by more than this share are not compared at equal bits."""

LEVELS = 3
"""Levels of an axis whose effects the headline tells; the section on effects has all of them."""


@dataclass(frozen=True)
class Comparison:
    """The winner against another arm, paired by seed."""

    other: str
    interval: Interval


@dataclass(frozen=True)
class Winner:
    """The best arm on one metric."""

    metric: str
    arm: str
    by_seed: dict[int, float]
    mean: float
    runner_up: Comparison | None
    baseline: Comparison | None


def verdict(evidence: Evidence) -> Section:
    """Returns the section that a reader with two minutes reads."""
    if not evidence.finished:
        return _nothing(evidence)
    candidates = _candidates(evidence)
    winners = [winner for measure in evidence.primary if (winner := _winner(evidence, measure, candidates))]
    moved = {measure.name: effects(evidence.study, measure.name, alpha=evidence.alpha) for measure in evidence.primary}
    limits = _limits(evidence, winners, candidates, sum(map(len, moved.values())))
    blocks: list[Block] = [_lead(evidence, winners, candidates)]
    blocks.append(Cards(tuple(_card(evidence, winner) for winner in winners)))
    if any(moved.values()):
        blocks.append(Items("What moved the results", tuple(_moved(evidence, moved))))
    blocks.append(Items("What this cannot say", tuple(limits)))
    numbers = {
        "winners": [asdict(winner) for winner in winners],
        "smallest_p": smallest_p(len(evidence.study.seeds)),
        "seeds_needed": seeds_for(evidence.alpha),
        "alpha": evidence.alpha,
        "sentences": [block.plain for block in blocks if isinstance(block, Text)] + [limit.plain for limit in limits],
    }
    return Section("verdict", "Verdict", tuple(blocks), numbers)


def _nothing(evidence: Evidence) -> Section:
    study = evidence.study
    ended = sum(cell.status == "diverged" for cell in study.cells)
    if study.cells and ended == len(study.cells):
        said = text(strong("Every cell diverged."), " There is no codec to measure; the table below says where and why.", kind="lead")
    else:
        said = text(
            strong("No cell has finished yet"), f", so there is nothing to compare. {plural(len(study.cells), 'cell')} planned; ",
            code(f"ablate run {study.name}.toml"), " trains them and this report fills as they finish.", kind="lead",
        )  # fmt: skip
    return Section("verdict", "Verdict", (said,), {"winners": [], "sentences": [said.plain]})


def _candidates(evidence: Evidence) -> list[Arm]:
    """Returns the arms that may win: those with the most finished seeds, so that luck with few is no advantage."""
    counts = {arm.name: sum(cell.status == "done" for cell in arm.cells) for arm in evidence.finished}
    return [arm for arm in evidence.finished if counts[arm.name] == max(counts.values())]


def _winner(evidence: Evidence, measure: Measure, candidates: list[Arm]) -> Winner | None:
    scores = {arm.name: arm.scores(measure.name) for arm in candidates}
    means = {name: sum(values.values()) / len(values) for name, values in scores.items() if values}
    if not means:
        return None
    ranked = sorted(means, key=lambda name: -measure.sign * means[name])
    best = ranked[0]
    baseline = evidence.study.baseline
    against = baseline.scores(measure.name) if baseline and baseline.name != best else {}
    return Winner(
        measure.name, best, scores[best], means[best],
        _compare(scores[best], scores[ranked[1]], ranked[1]) if len(ranked) > 1 else None,
        _compare(scores[best], against, baseline.name) if baseline else None,
    )  # fmt: skip


def _compare(own: dict[int, float], other: dict[int, float], name: str) -> Comparison | None:
    shared = [own[seed] - other[seed] for seed in own if seed in other]
    return Comparison(name, t_interval(shared)) if shared else None


def _lead(evidence: Evidence, winners: list[Winner], candidates: list[Arm]) -> Text:
    if not winners:
        return text(strong("Cells have finished, but none was measured by a metric that arms are ranked by."), kind="lead")
    if len(evidence.study.arms) == 1:
        return text("The grid has one arm, so there is nothing to rank; its values are below.", kind="lead")
    spans = [f"Among {plural(len(candidates), 'arm')} compared, "]
    groups: dict[str, list[str]] = {}
    for winner in winners:
        groups.setdefault(winner.arm, []).append(_superlative(evidence.measures[winner.metric]))
    parts = []
    for arm, titles in groups.items():
        parts += [strong(arm), f" has the {joined(titles)}", " and "]
    parts[-1] = ". "
    points = {
        arm.name: [sum(v.values()) / len(v) for m in evidence.primary if (v := arm.scores(m.name))] for arm in candidates
    }
    points = {name: point for name, point in points.items() if len(point) == len(evidence.primary)}
    front = frontier(points, [measure.direction or "higher" for measure in evidence.primary])
    if len(groups) > 1:
        tail = f"No arm is best at both: {plural(len(front), 'arm')} of {len(points)} are beaten by none, each a trade."
    else:
        tail = "It is best on every primary metric."
    return text(*spans, *parts, tail, kind="lead")


def _superlative(measure: Measure) -> str:
    return f"{'lowest' if measure.direction == 'lower' else 'highest'} {measure.label}"


def _card(evidence: Evidence, winner: Winner) -> Card:
    measure = evidence.measures[winner.metric]
    values = list(winner.by_seed.values())
    lines = [f"seeds: {spread(values, measure.decimals)} (n = {len(values)})"]
    for comparison, title in ((winner.runner_up, "runner-up"), (winner.baseline, "baseline")):
        if comparison is not None and not (title == "baseline" and winner.runner_up and winner.runner_up.other == comparison.other):
            gap = fixed(comparison.interval.mean, measure.decimals, signed=True)
            lines.append(f"{gap} {interval(comparison.interval, measure.decimals)} against the {title} {comparison.other}")
    if winner.runner_up is not None:
        lines.append(_certainty(winner.runner_up.interval))
    return Card(
        _superlative(measure).capitalize() if measure.label.islower() else _capital(_superlative(measure)),
        fixed(winner.mean, measure.decimals), measure.unit, winner.arm, tuple(lines),
    )  # fmt: skip


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _certainty(gap: Interval) -> str:
    if gap.low is None:
        return "one seed: the lead over the runner-up has no known spread"
    if not gap.excludes_zero:
        return f"not separable from the runner-up at {gap.n} seeds"
    return f"the interval over {gap.n} seeds excludes zero, but this arm was picked because it was ahead"


def _moved(evidence: Evidence, moved: dict[str, tuple[Effect, ...]]) -> list[Text]:
    sentences = []
    for axis in evidence.study.axes:
        levels = _largest(axis, moved)
        for level in levels:
            parts = [
                _effect_text(evidence.measures[metric], effect)
                for metric, found in moved.items()
                for effect in found
                if effect.axis == axis.name and effect.level == level and effect.interval
            ]
            if parts:
                start = [code(axis.name), " ", strong(level), f" against {axis.baseline}: "]
                rest = len(axis.levels) - 1 - len(levels)
                more = f" ({rest} other levels move less.)" if rest and level == levels[-1] else ""
                sentences.append(text(*start, "; ".join(parts), f".{more}"))
    return sentences


def _largest(axis: Axis, moved: dict[str, tuple[Effect, ...]]) -> list[str]:
    """Returns the levels with the largest effects on the first metric, in the order of the axis."""
    first = next(iter(moved.values()))
    sizes = {effect.level: abs(effect.interval.mean) for effect in first if effect.axis == axis.name and effect.interval}
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


def _limits(evidence: Evidence, winners: list[Winner], candidates: list[Arm], comparisons: int) -> list[Text]:
    study, limits = evidence.study, []
    seeds, needed = len(study.seeds), seeds_for(evidence.alpha)
    reached = probability(smallest_p(seeds))
    if seeds < needed:
        limits.append(
            text(
                strong(f"{plural(seeds, 'seed')} cannot reach significance: "), f"the smallest p is {reached}; ",
                f"{needed} seeds reach {probability(smallest_p(needed))}. Intervals are shown, p-values are not.",
            )
        )  # fmt: skip
    elif comparisons > 1 and smallest_p(seeds) * comparisons > evidence.alpha:
        more = seeds_for(evidence.alpha, comparisons)
        limits.append(
            text(
                strong(f"{seeds} seeds reach p = {reached}, "),
                f"but not {evidence.alpha:g} once Holm accounts for {comparisons} comparisons; {more} seeds would.",
            )
        )
    if len(candidates) > 1:
        limits.append(
            text(
                f"The best of {len(candidates)} arms was picked after looking at all of them, which favours lucky seeds: ",
                "its lead is exploratory until it is repeated with fresh seeds.",
            )
        )
    limits += _rate_limit(evidence, winners)
    if len(evidence.finished) > len(candidates):
        left = len(evidence.finished) - len(candidates)
        verb = "was" if left == 1 else "were"
        limits.append(text(f"{plural(left, 'arm')} with fewer finished seeds {verb} not allowed to win."))
    missing = sum(cell.status != "done" for cell in study.cells)
    if missing:
        limits.append(text(f"{missing} of {plural(len(study.cells), 'planned cell')} gave no measurement (see Completeness)."))
    limits.append(text(_test_set(evidence)))
    return limits


def _rate_limit(evidence: Evidence, winners: list[Winner]) -> list[Text]:
    arms = {arm.name: arm.scores(RATE) for arm in evidence.finished}
    rates = {name: sum(values.values()) / len(values) for name, values in arms.items() if values}
    others = {winner.baseline.other if winner.baseline else None for winner in winners}
    limits = []
    for winner in {winner.arm: winner for winner in winners}.values():
        reference = next((name for name in others if name in rates and name != winner.arm), None)
        if winner.arm not in rates or reference is None:
            continue
        share = rates[winner.arm] / rates[reference] - 1
        if abs(share) > RATE_TOLERANCE:
            more = "more" if share > 0 else "fewer"
            limits.append(
                text(
                    strong(winner.arm), f" spends {abs(share):.1%} {more} bits than the baseline: their quality is ",
                    "not compared at equal bits.",
                )
            )  # fmt: skip
    return limits


def _test_set(evidence: Evidence) -> str:
    images = len(evidence.per_image.images)
    sentence = f"All values rest on {plural(images, 'held-out picture')}; other pictures may rank the arms otherwise."
    distances = [measure.label for measure in evidence.measures.values() if measure.name.startswith("fd_")]
    if distances:
        sentence += f" {joined(distances)} is not the FID of the literature and compares with nothing outside this grid."
    return sentence if images else f"{NONE}"
