"""Quality against perception and against bits: where each arm lies, which no other beats, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ablate.analysis import Chance, Coverage, Scatter, coverage, front_chances
from ablate.report.document import Block, Figure, Span, Table, Text, Value, code, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, interval, plural, spread
from ablate.report.sections.frontier_figure import frontier_figure
from ablate.report.sections.rate_curves import rate_curves
from ablate.report.sections.section import Content, section
from ablate.report.styles import Encoding
from ablate.report.tables import arm_fields, number, numbers, table, words

QUALITY = "psnr"
RATE = "bpp_actual"


@section(
    "tradeoff",
    "Quality, perception, bits",
    "Trade-offs",
    summary="How surely an arm is on the front, and curves over bits",
)
def tradeoff(evidence: Evidence) -> Content:
    """Returns the front with its certainty, and curves over bits; the figure stands on the first screen."""
    scatters = _scatters(evidence)
    if not scatters:
        said = text("No finished cell has both a PSNR and something to plot it against.")
        return [said], {"front": {}}
    encoding = Encoding.of(evidence.study.axes)
    fronts = {scatter.other.name: scatter.front for scatter in scatters}
    blocks: list[Block] = []
    data: dict[str, Any] = {"points": [point for scatter in scatters for point in _points(scatter)], "front": fronts}
    blocks += [_front_text(scatter) for scatter in scatters if len(scatter.points) > 1]
    if scatters[0].other.name != RATE and len(scatters[0].points) > 1:
        chances = front_chances(scatters[0].gains)
        blocks.append(_front_table(evidence, scatters[0], chances))
        covered = coverage(evidence.study, scatters[0], encoding.path)
        if covered:
            blocks.append(_coverage_table(covered, scatters[0]))
        data |= {"chances": [asdict(chance) for chance in chances], "coverage": [asdict(each) for each in covered]}
    curves, curve_data = rate_curves(evidence)
    return (*blocks, *curves), data | curve_data


def tradeoff_figure(evidence: Evidence) -> Figure | None:
    """Returns PSNR against the Fréchet distance and against bits, every arm with its seeds; None without values."""
    scatters = _scatters(evidence)
    return frontier_figure(evidence, Encoding.of(evidence.study.axes), scatters) if scatters else None


def _scatters(evidence: Evidence) -> list[Scatter]:
    """Returns the arms on PSNR and the Fréchet distance, and on PSNR and bits, as far as they were measured."""
    metrics = evidence.metrics
    distance = next((metric for name, metric in metrics.items() if name.startswith("fd_")), None)
    quality, rate = metrics.get(QUALITY), metrics.get(RATE)
    found = [Scatter(evidence.finished, quality, other) for other in (distance, rate) if quality and other]
    return [scatter for scatter in found if scatter.points]


def _points(scatter: Scatter) -> list[dict[str, Any]]:
    return [
        {"arm": name, "metric": scatter.other.name, "psnr": quality, "value": value}
        for name, (quality, value) in scatter.points.items()
    ]


def _front_text(scatter: Scatter) -> Text:
    verb = "is" if len(scatter.front) == 1 else "are"
    spans: list[Span | str] = [
        f"On {scatter.quality.label} and {scatter.other.label} together, {len(scatter.front)} of "
        f"{plural(len(scatter.points), 'arm')} {verb} beaten by no other"
    ]
    if len(scatter.front) <= 6:
        for number, name in enumerate(scatter.front):
            spans += [": " if not number else ", ", code(name)]
    return text(*spans, ".")


def _front_table(evidence: Evidence, scatter: Scatter, chances: Sequence[Chance]) -> Table:
    """Returns the arms that are, or might be, on the front, the surest first."""
    arms, quality, other = {arm.name: arm for arm in evidence.finished}, scatter.quality, scatter.other
    possible = [each for each in chances if each.seeds_on_front or each.arm in scatter.front or each.resampled]
    possible.sort(key=lambda each: (each.arm not in scatter.front, -(each.resampled or 0.0), -each.seeds_on_front))

    def on_front(each: Chance) -> Value:
        return Value("yes", tone="best") if each.arm in scatter.front else Value("no")

    def seeds(each: Chance) -> Value:
        return Value(f"{each.seeds_on_front} of {each.seeds}", sort=each.seeds_on_front / max(each.seeds, 1))

    def resampled(each: Chance) -> Value:
        return number(None) if each.resampled is None else Value(f"{each.resampled:.0%}", sort=each.resampled)

    return table(
        "front", "How surely an arm is on the front", possible,
        *arm_fields(evidence, lambda each: (each.arm, arms[each.arm].axes)),
        numbers(quality.label, lambda each: scatter.points[each.arm][0], quality.unit, decimals=quality.decimals),
        numbers(other.label, lambda each: scatter.points[each.arm][1], decimals=other.decimals),
        words("on the front", on_front, unit="by means"),
        numbers("on the front", seeds, "seed by seed"),
        numbers("on the front", resampled, "seeds resampled"),
        caption=f"Arms that no other beats on {quality.label} and {other.label} together: by means over seeds, by each "
        "seed alone, and in what share of 1,000 resamples of the seeds.",
    )  # fmt: skip


def _coverage_table(found: Sequence[Coverage], scatter: Scatter) -> Table:

    def own(each: Coverage) -> Value:
        return number(each.interval.mean, 3, spread(list(each.by_seed.values()), 3))

    def gap(each: Coverage) -> Value:
        certain = each.difference is not None and each.difference.excludes_zero
        mean = "" if each.difference is None else fixed(each.difference.mean, 3, signed=True)
        return Value(
            f"{mean} {interval(each.difference, 3)}" if each.difference else NONE,
            sort=each.difference.mean if each.difference else None, tone="best" if certain else "plain",
        )  # fmt: skip

    return table(
        "coverage", "Hypervolume", found,
        words("axis", lambda each: each.axis),
        words("level", lambda each: Value(each.level, "baseline" if each.level == each.baseline else "")),
        numbers("seeds", lambda each: each.interval.n),
        numbers("hypervolume", own, "share of the plane"),
        numbers("against the baseline level", gap, "paired by seed"),
        caption=f"Share of the {scatter.quality.label}–{scatter.other.label} plane that the arms of a level dominate "
        "together; 1 would be the best of both at once. Differences with 95% t-intervals over seeds, uncorrected; bold "
        "where the interval excludes zero.",
    )  # fmt: skip
