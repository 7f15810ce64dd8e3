"""Differences at equal bits and bits at equal quality, with how much the interpolation matters."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.analysis import CurveEffect, curve_axis, curve_effect
from ablate.metrics import Metric
from ablate.metrics.metric import Scope
from ablate.report.claims import comparison
from ablate.report.document import Table, Value
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, interval, joined, with_unit
from ablate.report.tables import numbers, table, words

DISAGREEMENT = 0.01
"""From this share of bits, or of the difference itself, on which the two interpolations disagree, it is flagged."""


@dataclass(frozen=True)
class Row:
    """A level's difference on a metric at equal bits, and in bits at equal quality."""

    metric: Metric
    quality: CurveEffect
    rate: CurveEffect


def bjontegaard_table(evidence: Evidence) -> Table | None:
    """Returns a row for each level and each primary metric, None where no axis can be the points of a curve."""
    # A row for each level and metric whose curves can be compared, in quality and in bits.
    study = evidence.study
    metrics = [metric for metric in evidence.primary if metric.scope is not Scope.rate]
    rows: list[Row] = []
    axes: dict[str, None] = {}
    for axis in study.axes:
        along = curve_axis(study, axis.name)
        if along is None:
            continue
        axes[along] = None
        for level in axis.levels:
            for metric in metrics if level != axis.baseline else ():
                quality = curve_effect(study, metric.name, axis.name, level)
                rate = curve_effect(study, metric.name, axis.name, level, "rate")
                if quality and rate:
                    rows.append(Row(metric, quality, rate))
    # Where the grid does not ask for equal bits, a table of refusals is of no use.
    measured = any(row.rate.effect.interval for row in rows)
    if not rows or (study.compare.rate_match != "bd" and not measured):
        return None
    return table(
        "bjontegaard", "Bjøntegaard differences", rows,
        words("comparison", lambda row: comparison(row.quality.effect)),
        words("metric", lambda row: f"BD-{row.metric.label}"),
        numbers("at equal bits", lambda row: _mean(evidence, row.quality, row.metric.decimals, row.metric.unit),
                hint="mean difference over the logarithm of the bits that both curves cover"),
        numbers("bits at equal quality", lambda row: _mean(evidence, row.rate, 1, scale=100), "%",
                "BD-rate: negative is fewer bits"),
        numbers("overlap", _overlap, "%", "the least share of bits that two compared curves have in common"),
        numbers("Akima against PCHIP", _disagreement,
                hint="how far apart the two interpolations are, at equal bits and in bits"),
        caption=f"Curves run along {joined(list(axes))}, one for each seed and each setting of the other axes; "
        f"differences are averaged within a seed; {evidence.confidence} intervals are over the seeds. "
        "Interpolated by Akima.",
    )  # fmt: skip


def _mean(evidence: Evidence, found: CurveEffect, decimals: int, unit: str = "", scale: float = 1.0) -> Value:
    own = evidence.interval(found.effect)
    if own is None:
        return Value("refused", joined(list(found.refused)), tone="muted")
    pairs = f"{found.effect.pairs} of {found.effect.planned_pairs} pairs of curves"
    written = f"{fixed(own.mean * scale, decimals, signed=True)} {unit}".strip()
    return Value(written, f"{interval(own, decimals, scale)}, {pairs}", own.mean * scale)


def _overlap(row: Row) -> float | None:
    return None if row.quality.overlap is None else 100 * row.quality.overlap


def _disagreement(row: Row) -> Value:
    metric, quality, rate = row.metric, row.quality, row.rate
    parts, flagged = [], False
    if quality.disagreement is not None and quality.effect.interval:
        parts.append(with_unit(metric, quality.disagreement))
        # What is not even written is no disagreement.
        least = max(DISAGREEMENT * abs(quality.effect.interval.mean), 0.5 * 10**-metric.decimals)
        flagged |= quality.disagreement > least
    if rate.disagreement is not None:
        parts.append(f"{100 * rate.disagreement:.1f} %")
        flagged |= rate.disagreement > DISAGREEMENT
    note = "they disagree: the curves have too few points for this shape" if flagged else ""
    return Value(", ".join(parts) or NONE, note, tone="bad" if flagged else "plain")
