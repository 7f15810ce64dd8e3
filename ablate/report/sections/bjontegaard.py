"""Differences at equal bits and bits at equal quality, with how much the interpolation matters."""

from __future__ import annotations

from dataclasses import replace

from ablate.analysis import CurveEffect, curve_axis, curve_effect
from ablate.report.document import Column, Table, Value
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import NONE, fixed, interval, joined

DISAGREEMENT = 0.01
"""From this share of bits, or of the difference itself, on which the two interpolations disagree, it is flagged."""


def bjontegaard_table(evidence: Evidence) -> Table | None:
    """Returns a row for each level and each primary metric, None where no axis can be the points of a curve."""
    study = evidence.study
    measures = [measure for measure in evidence.primary if not measure.name.startswith("bpp_")]
    rows: list[tuple[Value, ...]] = []
    axes: dict[str, None] = {}
    for axis in study.axes:
        along = curve_axis(study, axis.name)
        if along is None:
            continue
        axes[along] = None
        for level in axis.levels:
            for measure in measures if level != axis.baseline else ():
                quality = curve_effect(study, measure.name, axis.name, level)
                rate = curve_effect(study, measure.name, axis.name, level, "rate")
                if quality and rate:
                    rows.append(_row(measure, quality, rate))
    if not rows or (study.compare.rate_match != "bd" and not any(row[3].sort is not None for row in rows)):
        return None
    columns = (
        Column("comparison", numeric=False), Column("metric", numeric=False),
        Column("at equal bits", hint="mean difference over the logarithm of the bits that both curves cover"),
        Column("bits at equal quality", "%", hint="BD-rate: negative is fewer bits"),
        Column("overlap", "%", hint="the least share of bits that two compared curves have in common"),
        Column("Akima against PCHIP", hint="how far apart the two interpolations are, at equal bits and in bits"),
    )  # fmt: skip
    caption = (
        f"Curves run along {joined(list(axes))}, one for each seed and each setting of the other axes; differences are "
        "averaged within a seed, and intervals are over the seeds. Interpolated by Akima."
    )
    return Table("bjontegaard", "Bjøntegaard differences", columns, tuple(rows), caption, filterable=len(rows) > 20)


def _row(measure: Measure, quality: CurveEffect, rate: CurveEffect) -> tuple[Value, ...]:
    effect = quality.effect
    name = f"{effect.axis} {effect.level} vs {effect.baseline}"
    return (
        Value(name, sort=name), Value(f"BD-{measure.label}"), _mean(quality, measure.decimals, measure.unit),
        _mean(rate, 1, scale=100.0), _overlap(quality), _disagreement(measure, quality, rate),
    )  # fmt: skip


def _mean(found: CurveEffect, decimals: int, unit: str = "", scale: float = 1.0) -> Value:
    own = found.effect.interval
    if own is None:
        return Value("refused", joined(list(found.refused)), tone="muted")
    low, high = (None if end is None else end * scale for end in (own.low, own.high))
    scaled = replace(own, mean=own.mean * scale, low=low, high=high)
    pairs = f"{found.effect.pairs} of {found.effect.planned_pairs} pairs of curves"
    written = f"{fixed(scaled.mean, decimals, signed=True)} {unit}".strip()
    return Value(written, f"{interval(scaled, decimals)}, {pairs}", scaled.mean)


def _overlap(found: CurveEffect) -> Value:
    percent = None if found.overlap is None else 100 * found.overlap
    return Value(fixed(percent, 0), sort=percent)


def _disagreement(measure: Measure, quality: CurveEffect, rate: CurveEffect) -> Value:
    parts, flagged = [], False
    if quality.disagreement is not None and quality.effect.interval:
        parts.append(f"{fixed(quality.disagreement, measure.decimals)} {measure.unit}".strip())
        # What is not even written is no disagreement.
        least = max(DISAGREEMENT * abs(quality.effect.interval.mean), 0.5 * 10**-measure.decimals)
        flagged |= quality.disagreement > least
    if rate.disagreement is not None:
        parts.append(f"{100 * rate.disagreement:.1f} %")
        flagged |= rate.disagreement > DISAGREEMENT
    note = "they disagree: the curves have too few points for this shape" if flagged else ""
    return Value(", ".join(parts) or NONE, note, tone="bad" if flagged else "plain")
