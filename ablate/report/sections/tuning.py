"""Tuning: what was chosen for each arm, what a budget of trials buys, and whether the ranking at defaults survives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ablate.analysis.best_of import BestOf, best_of
from ablate.analysis.intervals import Interval
from ablate.analysis.study import UNTUNED
from ablate.analysis.tuned import Fate, Order, TunedPair, orders, ranked
from ablate.metrics import Metric
from ablate.metrics.catalogue import metrics
from ablate.records import ArmChoice, TuningRecord
from ablate.report.document import Block, Figure, Table, Text, Value, strong, text
from ablate.report.evidence import Evidence
from ablate.report.figures import Style, axis_title, draw, key
from ablate.report.numbers import NONE, duration, fixed, interval, joined, plural
from ablate.report.sections.section import Content, section
from ablate.report.svg import colours, markers
from ablate.report.tables import Field, difference, numbers, table, words

FATES: Mapping[Fate, tuple[str, str]] = {
    "kept": ("keeps its order", "keep their order"),
    "reversed": ("is the other way round", "are the other way round"),
    "lost": ("is no longer told apart", "are no longer told apart"),
    "found": ("is told apart only once tuned", "are told apart only once tuned"),
    "open": ("is told apart neither way", "are told apart neither way"),
}
"""What becomes of a pair of arms, and of several."""
BUDGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
Curves = Mapping[str, Sequence[BestOf]]


@section("tuning", "Tuned with equal budgets", "Tuning")
def tuning(evidence: Evidence) -> Content:
    """Returns choices, expected best by budget and the ranking before and after; nothing where a grid tunes nothing."""
    found = evidence.tuning
    if found is None:
        return [], {}
    metric, pairs = metrics[found.metric], _pairs(evidence, found)
    judged = list(dict.fromkeys([metric, *evidence.primary]))
    judged = [each for each in judged if each.direction and "@" not in each.name]
    blocks: list[Block] = [_how(evidence, found)]
    blocks += [_survival(each, pairs, len(found.arms)) for each in judged] if found.complete else []
    blocks += [_choices(found, pairs, judged)]
    curves, worst = _curves(found, metric)
    if curves:
        blocks += [_figure(found, metric, curves, evidence), _budgets(found, metric, curves), _note(found, worst)]
    compared = {each.name: orders(pairs, each.name) for each in judged}
    blocks += [_order_table(each, compared[each.name]) for each in judged if compared[each.name]]
    data = {
        "record": found.plain(),
        "best_of": {arm: [asdict(each) for each in curve] for arm, curve in curves.items()},
        "rankings": {
            each.name: {
                "untuned": ranked(pairs, each.name, each.better, False),
                "tuned": ranked(pairs, each.name, each.better, True),
                "pairs": [asdict(order) | {"fate": order.fate} for order in compared[each.name]],
            }
            for each in judged
        },
    }
    return blocks, data


def _pairs(evidence: Evidence, found: TuningRecord) -> list[TunedPair]:
    arms = {arm.name: arm for arm in evidence.study.arms}
    untuned = {name.removesuffix(f" {UNTUNED}"): arm for name, arm in arms.items()}
    return [
        TunedPair(choice.arm, untuned[choice.arm], arms.get(choice.arm if choice.own else f"{choice.arm} tuned"))
        for choice in found.arms
        if choice.arm in untuned
    ]


def _how(evidence: Evidence, found: TuningRecord) -> Text:
    """Says how arms were tuned, and whether that is over."""
    trials, better = len(found.arms[0].trials), "highest" if found.direction == "higher" else "lowest"
    rungs = joined([f"{100 * rung:g} %" for rung in found.rungs])
    spans = [
        f"Every arm had {plural(trials, 'trial')}, the same Sobol draws for all, on seeds that judge nothing "
        f"({', '.join(map(str, found.seeds))}). After {rungs} of a training they were compared by the {better} "
        f"{found.figure}, and the best went on. The winner of each arm was trained again on the seeds of the grid and "
        "is judged on test; the untuned arms were trained on the same seeds and stand beside. "
    ]
    # A trial's last cell has the seconds of those that it went on from, too.
    last = [cell for arm in found.arms for trial in arm.trials for cell in trial.cells[-1]]
    results = [evidence.store.cell(cell).readable_result() for cell in last]
    spent = sum(result.train_seconds or 0.0 for result in results if result)
    spans += [f"Trials took {duration(spent)} of training. "] if spent else []
    lost = sum(arm.diverged for arm in found.arms), sum(arm.unmeasured for arm in found.arms)
    for count, word in zip(lost, ("diverged", "had no figure"), strict=True):
        spans += [f"{plural(count, 'trial')} {word} and went no further. "] if count else []
    if not found.complete:
        over = sum(arm.complete for arm in found.arms)
        spans += [f"Tuning is not over: {over} of {plural(len(found.arms), 'arm')} have their winner."]
    return text("".join(spans).strip())


def _survival(metric: Metric, pairs: Sequence[TunedPair], planned: int) -> Text:
    """Says whether the ranking at defaults survives tuning."""
    compared = orders(pairs, metric.name)
    before, after = (ranked(pairs, metric.name, metric.better, tuned) for tuned in (False, True))
    if len(after) < planned or not compared:
        missing = planned - len(after)
        return text(f"In {metric.label}, {plural(missing, 'arm')} of {planned} have no tuned figure to rank by.")
    fates = Counter(order.fate for order in compared)
    apart = fates["kept"] + fates["reversed"] + fates["lost"]
    if not apart:
        verdict = "there is no ranking at defaults to survive"
    elif fates["kept"] == apart:
        verdict = "the ranking at defaults survives tuning"
    elif fates["kept"]:
        verdict = "the ranking at defaults survives tuning in part"
    else:
        verdict = "the ranking at defaults does not survive tuning"
    seeds = max(order.untuned.n for order in compared)
    told = f"of {plural(len(compared), 'pair')} of arms, {apart} {'is' if apart == 1 else 'are'} told apart at defaults"
    parts = [
        f"{fates[fate]} {FATES[fate][fates[fate] > 1]}" for fate in ("kept", "reversed", "lost", "found") if fates[fate]
    ]
    means = f"By means, best first: {', '.join(before)} at defaults; {', '.join(after)} tuned."
    return text(
        f"In {metric.label}, ", strong(verdict), f": {told} over {plural(seeds, 'seed')}"
        f"{'; ' + joined(parts) if parts else ''}. {means} Exploratory, by 95 % intervals paired by seed, uncorrected.",
    )  # fmt: skip


def _choices(found: TuningRecord, pairs: Sequence[TunedPair], judged: Sequence[Metric]) -> Table:
    by_name = {pair.name: pair for pair in pairs}
    keys = list(dict.fromkeys(key for arm in found.arms for trial in arm.trials for key in trial.values))

    def value(setting: str) -> Field[ArmChoice]:
        return numbers(setting, lambda arm: _plain(arm.values.get(setting)))

    def gain(metric: Metric) -> Field[ArmChoice]:
        def of(arm: ArmChoice) -> Value:
            pair = by_name.get(arm.arm)
            return difference(pair.gain(metric.name) if pair else None, metric.decimals)

        return numbers(f"{metric.label}, tuned minus untuned", of, metric.unit)

    return table(
        "tuning", "What was chosen", found.arms,
        words("arm", lambda arm: arm.arm),
        numbers("trial", lambda arm: None if arm.winner is None else float(arm.winner)),
        *(value(setting) for setting in keys),
        *(gain(metric) for metric in judged),
        words("why", lambda arm: arm.why),
        caption="Values of the winning trial; differences on test, paired by seed, with 95 % t-intervals.",
    )  # fmt: skip


def _plain(value: float | None) -> Value:
    return Value(NONE if value is None else f"{value:.4g}", sort=value)


def _curves(found: TuningRecord, metric: Metric) -> tuple[Curves, float | None]:
    """Returns the expected best after the first rung, which every trial came to, and what stands for those without one.

    Later rungs hold a selection, from which nothing is learned of trials at large.
    """
    scored = {
        arm.arm: [trial.scores[0] for trial in arm.trials] for arm in found.arms if all(t.scores for t in arm.trials)
    }
    known = [value for values in scored.values() for value in values if value is not None]
    if not known:
        return {}, None
    worst = min(known) if metric.direction == "higher" else max(known)
    whole = {arm: [worst if value is None else value for value in values] for arm, values in scored.items()}
    lost = any(value is None for values in scored.values() for value in values)
    return {arm: best_of(values, metric.better) for arm, values in whole.items()}, worst if lost else None


def _steps(found: TuningRecord, evidence: Evidence, arm: str) -> int:
    """Returns the training steps that one trial takes in the first rung, over all trial seeds."""
    config = next(cell.config for cell in evidence.study.cells if cell.arm.removesuffix(f" {UNTUNED}") == arm)
    return found.stops(0, int(config["train"]["steps"])) * len(found.seeds)


def _figure(found: TuningRecord, metric: Metric, curves: Curves, evidence: Evidence) -> Figure:
    palette, shapes = colours(list(curves), ordered=False), markers(list(curves))
    with draw("tuning", 3.6) as drawn:
        panel = drawn.canvas.subplots()
        for arm, curve in curves.items():
            steps = [each.trials * _steps(found, evidence, arm) for each in curve]
            style = Style(palette[arm], shapes[arm])
            panel.plot(steps, [each.mean for each in curve], **{**style.drawn(4), "linestyle": "-"}, color=palette[arm])
            limits = [each.low for each in curve], [each.high for each in curve]
            panel.fill_between(steps, *limits, color=palette[arm], alpha=0.13, linewidth=0)
        panel.set(
            xlabel="training steps spent on trials of an arm",
            ylabel=f"{axis_title(metric, better=True)}\non {found.select_on}",
        )
        panel.margins(x=0.02)
        key(drawn.canvas, {arm: Style(palette[arm], shapes[arm]) for arm in curves})
        return drawn.figure(
            f"Expected best {metric.label} of an arm's trials over the budget spent on them",
            f"Expected best of so many trials after {100 * found.rungs[0]:g} % of a training, a marker for each number "
            "of trials, with the 95 % bootstrap interval over trials. An arm that is ahead at every budget needs no "
            "luck; lines that cross say that the better arm depends on how much one tunes.",
        )


def _budgets(found: TuningRecord, metric: Metric, curves: Curves) -> Table:
    trials = len(found.arms[0].trials)
    counts = [count for count in BUDGETS if count < trials] + [trials]

    name: Field[str] = words("arm", lambda arm: arm)

    def best(count: int) -> Field[str]:
        def of(arm: str) -> Value:
            each = curves[arm][count - 1]
            low, high = (fixed(limit, metric.decimals) for limit in (each.low, each.high))
            return Value(fixed(each.mean, metric.decimals), f"[{low}, {high}]", each.mean)

        return numbers(f"best of {count}", of, metric.unit)

    return table(
        "tuning-budgets", "Expected best by budget", list(curves),
        name,
        *(best(count) for count in counts),
        caption=f"{metric.label} on {found.select_on} after {100 * found.rungs[0]:g} % of a training: the expected "
        "best of so many trials with its 95 % bootstrap interval.",
    )  # fmt: skip


def _note(found: TuningRecord, worst: float | None) -> Text:
    stands = (
        f" A trial without a figure counts as the worst that any arm saw ({worst:.4g})." if worst is not None else ""
    )
    later = " Later rungs hold only trials that were chosen, and are left out." if len(found.rungs) > 1 else ""
    return text(
        "The expected best is the estimator of Dodge et al. (2019), the maximum of k draws from the trials that there "
        "are; near the full number it leans on one or two trials and errs towards the worse. Sobol draws cover "
        f"their ranges more evenly than the independent ones that its interval assumes.{later}{stands}",
        kind="note",
    )


def _order_table(metric: Metric, compared: Sequence[Order]) -> Table:
    def limits(of: str) -> Field[Order]:
        def value(order: Order) -> Value:
            found: Interval = getattr(order, of)
            below = interval(found, metric.decimals)
            return Value(fixed(found.mean, metric.decimals, signed=True), below, found.mean)

        return numbers({"untuned": "at defaults", "tuned": "tuned"}[of], value, metric.unit)

    return table(
        f"tuning-{metric.name}", f"Order of arms in {metric.label}", compared,
        words("pair", lambda order: f"{order.first} minus {order.second}"),
        limits("untuned"), limits("tuned"),
        words("the pair", lambda order: FATES[order.fate][0]),
        caption="Differences on test, paired by seed, with 95 % t-intervals; exploratory, uncorrected.",
    )  # fmt: skip
