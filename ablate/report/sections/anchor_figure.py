"""Draws the arms among the curves of JPEG and WebP, one panel a metric, over bits on a scale of octaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.report.document import Figure
from ablate.report.evidence import Encoding, Evidence, Measure
from ablate.report.looks import label_points, legends, looks
from ablate.report.numbers import fixed, joined
from ablate.report.svg import INK, MUTED, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE = "bpp_actual"
PANELS = 3
LINES = ((INK, "-"), (MUTED, "--"))
"""How the formats are drawn, in their order."""

Curves = Mapping[str, Sequence[Mapping[str, Any]]]


def anchor_figure(evidence: Evidence, curves: Curves, measures: Sequence[Measure]) -> Figure | None:
    """Returns the drawing; None where neither format has a curve in any metric."""
    shown = [measure for measure in measures if any(_points(curve, measure) for curve in curves.values())][:PANELS]
    if not shown:
        return None
    encoding = Encoding.of(evidence.study.axes)
    titles: dict[str, str] = {}
    with drawing("anchors"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 4.4), layout="constrained")
        panels = canvas.subplots(1, len(shown), squeeze=False)[0]
        for panel, measure in zip(panels, shown, strict=True):
            for curve, (colour, style) in zip(curves.values(), LINES, strict=True):
                _line(panel, _points(curve, measure), colour, style)
            titles |= _arms(panel, evidence, encoding, measure)
            _label(panel, evidence.measures[RATE], measure)
        legends(canvas, evidence, encoding)
        canvas.draw_without_rendering()
        for panel, measure in zip(panels, shown, strict=True):
            ends = {name: points[-1] for name, curve in curves.items() if (points := _points(curve, measure))}
            label_points(panel, ends, list(ends))
        svg = to_svg(canvas, titles)
    names = joined(list(curves))
    listed = joined([measure.label for measure in shown])
    caption = (
        f"Points: arms, means over their seeds. Lines: {names} on the same images, measured alike; each begins at "
        "its lowest quality, below which there is no file. Bits per pixel in octaves, headers included."
    )
    return Figure("anchors", svg, f"{listed} of every arm and of {names} over bits per pixel", caption)


def _points(curve: Sequence[Mapping[str, Any]], measure: Measure) -> list[tuple[float, float]]:
    return [(record[RATE], record[measure.name]) for record in curve if record.get(measure.name) is not None]


def _line(panel: Axes, points: Sequence[tuple[float, float]], colour: str, style: str) -> None:
    if points:
        xs, ys = zip(*points, strict=True)
        panel.plot(xs, ys, style, color=colour, marker=".", markersize=5, zorder=3)


def _arms(panel: Axes, evidence: Evidence, encoding: Encoding, measure: Measure) -> dict[str, str]:
    """Draws the arms and returns what each point is called."""
    dressed, titles = looks(evidence, encoding), {}
    rate = evidence.measures[RATE]
    for number, arm in enumerate(evidence.finished):
        bits, values = arm.scores(RATE), arm.scores(measure.name)
        seeds = [seed for seed in values if seed in bits]
        if not seeds:
            continue
        x, y = (sum(of[seed] for seed in seeds) / len(seeds) for of in (bits, values))
        (artist,) = panel.plot(x, y, zorder=5, **dressed[arm.name].drawn(7))
        group = f"anchors-{measure.name}-{number}"
        artist.set_gid(group)
        titles[group] = (
            f"{arm.name}: {fixed(y, measure.decimals)} {measure.unit} at {fixed(x, rate.decimals)} {rate.unit}"
        )
    return titles


def _label(panel: Axes, rate: Measure, measure: Measure) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.margins(x=0.17)  # room for a name behind the last point of a curve
    panel.set_xlabel(f"{rate.label} ({rate.unit})")
    unit = f" ({measure.unit})" if measure.unit else ""
    panel.set_ylabel(f"{measure.label}{unit}, {measure.direction} is better")
