"""Whether a verdict flips: without one seed, with the other weights, with failures as worst, on another metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from ablate.analysis import (
    BESIDE,
    Conclusion,
    Sensitivity,
    failure_rates,
    means_with_failures,
    sensitivity,
)
from ablate.report.claims import label
from ablate.report.document import Block, Column, Section, Table, Text, Value, strong, text
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import NONE, fixed, joined, plural


def sensitivity_analysis(evidence: Evidence) -> Section:
    """Returns a table of every declared comparison under other choices, and what failures do to scores."""
    title = "Sensitivity"
    directions = {m.name: m.direction for m in evidence.measures.values() if m.direction}
    found = sensitivity(evidence.study, evidence.contrasts, directions)
    blocks: list[Block] = []
    if found:
        blocks += [_summary(found), _table(evidence, found)]
    else:
        blocks.append(text("No declared comparison was measured, so there is no verdict to shake."))
    blocks += _failures(evidence)
    numbers = {
        "contrasts": [_numbers(each) for each in found],
        "failures": [asdict(each) for each in failure_rates(evidence.study)],
    }
    return Section("sensitivity", title, tuple(blocks), numbers)


def _summary(found: Sequence[Sensitivity]) -> Text:
    claims = [each for each in found if each.contrast.verdict != "inconclusive"]
    flipping = [each for each in claims if each.flips]
    if not claims:
        said = "There is no verdict that could flip; the table says where intervals lie and what moves them."
        return text(said)
    if not flipping:
        return text(strong("No verdict flips: "), f"all {len(claims)} stand under every choice below.")
    words = plural(len(flipping), "verdict")
    return text(
        strong(f"{words} of {len(claims)} would be another"), " under one of the choices below.", kind="warning"
    )


def _table(evidence: Evidence, found: Sequence[Sensitivity]) -> Table:
    rows = tuple(_row(evidence.measures[each.contrast.effect.metric], each, evidence) for each in found)
    columns = (
        Column("comparison", numeric=False), Column("metric", numeric=False), Column("verdict", numeric=False),
        Column("interval alone", numeric=False, hint="where the interval lies, whatever the exact test can reach"),
        Column("without one seed", numeric=False, hint="where the interval lies with each seed left out"),
        Column("raw weights", numeric=False), Column("failures as worst", numeric=False),
        Column("other metrics", numeric=False, hint="verdicts on the other metrics of quality"),
    )  # fmt: skip
    caption = (
        "The interval is compared with itself when a seed is left out, since one seed fewer may be too few for any "
        "verdict. Raw weights: those of the last step in place of their moving average."
    )
    return Table("sensitivity", "Does a verdict flip?", columns, rows, caption, filterable=len(rows) > 20)


def _row(measure: Measure, each: Sensitivity, evidence: Evidence) -> tuple[Value, ...]:
    effect, own = each.contrast.effect, each.contrast.verdict
    name = effect.level if effect.axis == BESIDE else f"{effect.axis} {effect.level} vs {effect.baseline}"
    turning = joined([f"{seed}" for seed in each.turning_seeds])
    turned: list[str] = sorted({each.without_seed[seed] for seed in each.turning_seeds})
    leave = f"{joined(turned, 'or')} without seed {turning}" if turning else f"{each.leaning} throughout"
    counts = Counter(each.other_metrics.values())
    others = joined([f"{count} {outcome}" for outcome, count in counts.items()])
    against = joined([evidence.measures[metric].label for metric in each.contradicted])
    return (
        Value(name, sort=name), Value(label(measure, each.contrast)), Value(own), Value(each.leaning),
        Value(leave, tone="bad" if turning else "plain"), _other(each.other_weights, own),
        _other(each.failures_as_worst, own),
        Value(others or NONE, f"against it: {against}" if against else "", tone="bad" if against else "plain"),
    )  # fmt: skip


def _other(outcome: Conclusion | None, verdict: Conclusion) -> Value:
    if outcome is None:
        return Value("none diverged", tone="muted")
    return Value(outcome, tone="plain" if outcome == verdict else "bad")


def _failures(evidence: Evidence) -> list[Block]:
    rates = failure_rates(evidence.study)
    if not rates:
        return []
    if not any(rate.diverged for rate in rates):
        most = max(rates, key=lambda rate: rate.high)
        rest = f"With {plural(most.ended, 'seed')} an arm may still diverge in up to {most.high:.0%} of runs"
        return [text(f"No cell diverged. {rest} (Wilson, 95 %).", kind="note")]
    measures = [measure for measure in evidence.primary if measure.direction]
    worst = {m.name: means_with_failures(evidence.study, m.name, m.direction or "higher") for m in measures}
    arms = {arm.name: arm for arm in evidence.study.arms}
    rows = []
    for rate in rates:
        interval = f"[{rate.low:.0%}, {rate.high:.0%}]"
        row = [Value(rate.arm, sort=rate.arm), Value(f"{rate.diverged} of {rate.ended}", interval, rate.share)]
        for measure in measures:
            values = list(arms[rate.arm].scores(measure.name).values())
            mean = sum(values) / len(values) if values else None
            counted = worst[measure.name].get(rate.arm)
            below = fixed(counted.mean, measure.decimals) if counted else NONE
            row.append(Value(fixed(mean, measure.decimals), f"{below} with failures", mean))
        rows.append(tuple(row))
    columns = (
        Column("arm", numeric=False), Column("diverged", hint="with Wilson's 95 % interval"),
        *(Column(measure.label, measure.unit) for measure in measures),
    )  # fmt: skip
    caption = (
        "In brackets Wilson's 95 % interval of the share. Means over the seeds that finished, and below them with each "
        "diverged seed at the worst value that any finished cell of the grid has."
    )
    return [Table("failures", "Divergence", columns, tuple(rows), caption, filterable=len(rows) > 20)]


def _numbers(each: Sensitivity) -> dict[str, object]:
    effect = each.contrast.effect
    return {
        "metric": effect.metric, "axis": effect.axis, "level": effect.level, "verdict": each.contrast.verdict,
        "leaning": each.leaning, "without_seed": dict(each.without_seed), "other_weights": each.other_weights,
        "failures_as_worst": each.failures_as_worst, "other_metrics": dict(each.other_metrics), "flips": each.flips,
    }  # fmt: skip
