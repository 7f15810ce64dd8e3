"""Draws the arms among the curves of other codecs, one panel a metric, over bits on a scale of octaves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Scatter
from ablate.metrics import Metric
from ablate.metrics.naming import rate_of
from ablate.report.document import Figure
from ablate.report.evidence import Evidence
from ablate.report.figures import Drawing, axis_title, draw
from ablate.report.numbers import joined, with_unit
from ablate.report.styles import Encoding, arm_key, arm_styles, label_points
from ablate.report.svg import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = 3
LINES = ((INK, "-"), (MUTED, "--"), (INK, ":"), (MUTED, "-."), (INK, "--"), (MUTED, "-"))
"""Colour and line of each codec, in their order, and then again."""

BEGINNING = "; each begins at its lowest quality, below which there is no file"

Curves = Mapping[str, Sequence[Mapping[str, Any]]]


def anchor_figure(
    evidence: Evidence, curves: Curves, metrics: Sequence[Metric], name: str = "anchors", beginning: str = BEGINNING
) -> Figure | None:
    """Returns the drawing; None where no codec has a point in any metric."""
    known = [metric for metric in metrics if rate_of(metric.name) in evidence.metrics]
    shown = [metric for metric in known if any(_points(curve, metric) for curve in curves.values())][:PANELS]
    if not shown:
        return None
    encoding, names = Encoding.of(evidence.study.axes), joined(list(curves))
    with draw(name, 4.4) as drawn:
        panels = drawn.panels(len(shown))
        for panel, metric in zip(panels, shown, strict=True):
            for curve, (colour, style) in zip(curves.values(), itertools.cycle(LINES), strict=False):
                _line(panel, _points(curve, metric), colour, style)
            _arms(drawn, panel, evidence, encoding, metric)
            _label(panel, evidence.metrics[rate_of(metric.name)], metric)
        arm_key(drawn.canvas, evidence, encoding)
        drawn.canvas.draw_without_rendering()
        for panel, metric in zip(panels, shown, strict=True):
            ends = {name: points[-1] for name, curve in curves.items() if (points := _points(curve, metric))}
            label_points(panel, ends, list(ends))
        return drawn.figure(
            f"{joined([metric.label for metric in shown])} of every arm and of {names} over bits per pixel",
            f"Points: arms, means over their seeds. Lines: {names} on the same images, measured alike{beginning}. Bits "
            "per pixel in octaves, headers included.",
        )


def _points(curve: Sequence[Mapping[str, Any]], metric: Metric) -> list[tuple[float, float]]:
    pairs = [(record.get(rate_of(metric.name)), record.get(metric.name)) for record in curve]
    return [(rate, value) for rate, value in pairs if rate is not None and value is not None]


def _line(panel: Axes, points: Sequence[tuple[float, float]], colour: str, style: str) -> None:
    if points:
        xs, ys = zip(*points, strict=True)
        panel.plot(xs, ys, style, color=colour, marker=".", markersize=5, zorder=3)


def _arms(drawn: Drawing, panel: Axes, evidence: Evidence, encoding: Encoding, metric: Metric) -> None:
    styles, rate = arm_styles(evidence, encoding), evidence.metrics[rate_of(metric.name)]
    for name, (y, x) in Scatter(evidence.finished, metric, rate).points.items():
        title = f"{name}: {with_unit(metric, y)} at {with_unit(rate, x)}"
        drawn.point(panel, x, y, title, zorder=5, **styles[name].drawn(7))


def _label(panel: Axes, rate: Metric, metric: Metric) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.margins(x=0.17)  # room for a name behind the last point of a curve
    panel.set_xlabel(axis_title(rate))
    panel.set_ylabel(axis_title(metric, better=True))
