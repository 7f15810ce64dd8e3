"""Verdicts under other choices: without one seed, other weights, failures as worst, another metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from ablate.analysis import (
    Conclusion,
    FailureRate,
    Sensitivity,
    failure_rates,
    means_with_failures,
    sensitivity,
)
from ablate.metrics import Metric
from ablate.report.claims import comparison, label
from ablate.report.document import Block, Table, Text, Value, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, counted, fixed, joined, plural
from ablate.report.sections.section import Content, section
from ablate.report.tables import number, numbers, scores, table, words


@section("sensitivity", "Sensitivity", summary="Whether verdicts would change with other weights, seeds or metrics")
def sensitivity_analysis(evidence: Evidence) -> Content:
    """Returns a table of every declared comparison under other choices, and what failures do to scores."""
    directions = {m.name: m.direction for m in evidence.metrics.values() if m.direction}
    found = sensitivity(evidence.study, evidence.contrasts, directions)
    blocks: list[Block] = []
    if found:
        blocks += [_summary(found), _table(evidence, found)]
    else:
        blocks.append(text("No declared comparison was measured, so there is no verdict to shake."))
    blocks += _failures(evidence)
    data = {
        "contrasts": [_numbers(each) for each in found],
        "failures": [asdict(each) for each in failure_rates(evidence.study)],
    }
    return blocks, data


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
    def metric(each: Sensitivity) -> str:
        return label(evidence.metrics[each.contrast.effect.metric], each.contrast)

    def others(each: Sensitivity) -> Value:
        against = joined([evidence.metrics[metric].label for metric in each.contradicted])
        listed = counted(Counter(each.other_metrics.values())) or NONE
        return Value(listed, f"against it: {against}" if against else "", tone="bad" if against else "plain")

    return table(
        "sensitivity", "Does a verdict flip?", found,
        words("comparison", lambda each: comparison(each.contrast.effect)),
        words("metric", metric),
        words("verdict", lambda each: each.contrast.verdict),
        words("interval alone", lambda each: each.leaning,
              hint="where the interval lies, whatever the exact test can reach"),
        words("without one seed", _without, hint="where the interval lies with each seed left out"),
        words("raw weights", lambda each: _other(each.other_weights, each)),
        words("failures as worst", lambda each: _other(each.failures_as_worst, each)),
        words("other metrics", others, hint="verdicts on the other metrics of quality"),
        caption="Intervals by themselves, since one seed fewer may be too few for any verdict. Raw weights: those of "
        "the last step.",
    )  # fmt: skip


def _without(each: Sensitivity) -> Value:
    seeds = joined([f"{seed}" for seed in each.turning_seeds])
    turned: list[str] = sorted({each.without_seed[seed] for seed in each.turning_seeds})
    if not seeds:
        return Value(f"{each.leaning} throughout")
    return Value(f"{joined(turned, 'or')} without seed {seeds}", tone="bad")


def _other(outcome: Conclusion | None, each: Sensitivity) -> Value:
    if outcome is None:
        return Value("none diverged", tone="muted")
    return Value(outcome, tone="plain" if outcome == each.contrast.verdict else "bad")


def _failures(evidence: Evidence) -> list[Block]:
    rates = failure_rates(evidence.study)
    if not rates:
        return []
    if not any(rate.diverged for rate in rates):
        most = max(rates, key=lambda rate: rate.high)
        rest = f"With {plural(most.ended, 'seed')} an arm may still diverge in up to {most.high:.0%} of runs"
        return [text(f"No cell diverged. {rest} (Wilson, 95 %).", kind="note")]
    worst = {m.name: means_with_failures(evidence.study, m.name, m.better) for m in evidence.primary}
    arms = {arm.name: arm for arm in evidence.study.arms}

    def diverged(rate: FailureRate) -> Value:
        return Value(f"{rate.diverged} of {rate.ended}", f"[{rate.low:.0%}, {rate.high:.0%}]", rate.share)

    def mean(rate: FailureRate, metric: Metric) -> Value:
        counted = worst[metric.name].get(rate.arm)
        below = fixed(counted.mean, metric.decimals) if counted else NONE
        return number(arms[rate.arm].mean(metric.name), metric.decimals, f"{below} with failures")

    found = table(
        "failures", "Divergence", rates,
        words("arm", lambda rate: rate.arm),
        numbers("diverged", diverged, hint="with Wilson's 95 % interval"),
        *scores(evidence.primary, mean),
        caption="In brackets Wilson's 95 % interval of the share. Means over the seeds that finished, and below them "
        "with each diverged seed at the worst value that any finished cell of the grid has.",
    )  # fmt: skip
    return [found]


def _numbers(each: Sensitivity) -> dict[str, object]:
    effect = each.contrast.effect
    return {
        "metric": effect.metric, "axis": effect.axis, "level": effect.level, "verdict": each.contrast.verdict,
        "leaning": each.leaning, "without_seed": dict(each.without_seed), "other_weights": each.other_weights,
        "failures_as_worst": each.failures_as_worst, "other_metrics": dict(each.other_metrics), "flips": each.flips,
    }  # fmt: skip
