"""Rate–distortion and rate–perception curves: each metric over the bits that an axis moves, with bands over seeds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.analysis import RATE, Axis
from ablate.analysis.rate_curves import MOVES, Vertex, rate_axis, vertices
from ablate.metrics import Metric
from ablate.metrics.naming import rate_of
from ablate.report.document import Block, Figure, text
from ablate.report.evidence import Evidence
from ablate.report.figures import axis_title, draw
from ablate.report.numbers import fixed, joined
from ablate.report.styles import LineStyle, line_style
from ablate.report.svg import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 12
"""Curves that a panel may hold; with more settings, a curve is the mean over all but the first other axis."""
PANELS = 3
REACH = 2.0
"""How far beyond the bits of the curves other codecs are drawn, as a factor."""
OTHERS = ("--", ":", "-.")
OF_OTHERS = " Grey, with crosses: other codecs on the same images, measured alike, where they spend about these bits."


@dataclass(frozen=True)
class Curve:
    """A line of a panel, its vertices in the order of their bits; `key` are its levels on the first other axes."""

    label: str
    key: tuple[str, ...]
    style: LineStyle
    vertices: tuple[Vertex, ...]


def rate_curves(evidence: Evidence) -> tuple[list[Block], dict[str, Any]]:
    """Returns the figure with its numbers, or the sentence that says why there are no curves."""
    rate = evidence.metrics.get(RATE)
    if rate is None:
        return [], {}
    axis = rate_axis(evidence.study)
    if axis is None:
        bits = [value for arm in evidence.finished for value in arm.scores(RATE).values()]
        said = (
            f"No axis of this grid moves the bits by {MOVES - 1:.0%} or more ({fixed(min(bits), rate.decimals)} to "
            f"{fixed(max(bits), rate.decimals)} bpp over all cells), so there is no rate–distortion curve: vary "
            "model.channels or model.quantizer.levels to get one."
        )
        return [text(said, kind="note")], {"rate_axis": None, "curves": []}
    metrics = [m for m in evidence.varying if m.direction and m.unit != rate.unit][:PANELS]
    drawn = {metric.name: curves(evidence, axis, metric) for metric in metrics}
    numbers = [
        {"metric": name, "line": curve.label, "points": [_numbers(vertex) for vertex in curve.vertices]}
        for name, found in drawn.items()
        for curve in found
    ]
    return [_figure(evidence, axis, rate, metrics, drawn)], {"rate_axis": axis.name, "curves": numbers}


def curves(evidence: Evidence, axis: Axis, metric: Metric) -> list[Curve]:
    """Returns a curve for each setting of the other axes; where they are many, for each level of the first of them."""
    others = [other for other in evidence.study.axes if other is not axis]
    blocks = dict.fromkeys(block for _, _, block in evidence.study.slots[axis.name])
    shown = others if len(blocks) <= LINES else others[:1]
    found = []
    for key in dict.fromkeys(block[: len(shown)] for block in blocks):
        label = ", ".join(f"{other.name} {level}" for other, level in zip(shown, key, strict=True))
        points = vertices(evidence.study, axis, metric.name, key)
        if points:
            found.append(Curve(label or metric.label, key, line_style(shown, key), points))
    return found


def _numbers(vertex: Vertex) -> dict[str, Any]:
    own = vertex.interval
    return {
        "level": vertex.level, "bpp": vertex.rate, "mean": own.mean, "low": own.low, "high": own.high, "seeds": own.n,
    }  # fmt: skip


def _figure(
    evidence: Evidence, axis: Axis, rate: Metric, metrics: Sequence[Metric], curves: Mapping[str, Sequence[Curve]]
) -> Figure:
    near = {metric.name: _near(evidence, metric.name, curves[metric.name]) for metric in metrics}
    with draw("rate", 4.6) as drawn:
        panels = drawn.panels(len(metrics))
        for panel, metric in zip(panels, metrics, strict=True):
            for curve in curves[metric.name]:
                _draw(panel, curve)
            for (label, style), points in near[metric.name].items():
                panel.plot(*zip(*points, strict=True), style, color=MUTED, marker="x", markersize=5, label=label)
            panel.set_title(axis_title(metric, better=True))
            panel.set_xlabel(axis_title(evidence.metrics.get(rate_of(metric.name), rate)))
            panel.margins(x=0.04, y=0.08)
        named = {
            label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        handles, labels = list(named.values()), list(named)
        if len(labels) > 1:
            drawn.canvas.legend(handles, labels, loc="outside lower left", ncols=min(4, len(labels)), alignment="left")
        return drawn.figure(
            f"{joined([metric.label for metric in metrics])} over {rate.label} along {axis.name}",
            f"Each point is a level of {axis.name}: mean bits and mean metric over seeds, joined in the order of the "
            "bits. Bands: 95% t-intervals over seeds where there are two or more; where bands overlap, these seeds do "
            "not tell the curves apart. Bits are those of real files, headers included."
            + (OF_OTHERS if any(near.values()) else ""),
        )


def _near(evidence: Evidence, metric: str, curves: Sequence[Curve]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Returns the points of other codecs that may be compared, about the bits of the curves, by name and line."""
    rates = [vertex.rate for curve in curves for vertex in curve.vertices]
    near = {}
    for each, style in zip(evidence.beside, itertools.cycle(OTHERS), strict=False):
        points = each.points(metric) if rates and each.comparable(metric) else []
        near[each.label, style] = [(x, y) for x, y in points if min(rates) / REACH <= x <= max(rates) * REACH]
    return {line: points for line, points in near.items() if points}


def _draw(panel: Axes, curve: Curve) -> None:
    rates = [vertex.rate for vertex in curve.vertices]
    means = [vertex.interval.mean for vertex in curve.vertices]
    style = curve.style
    panel.plot(
        rates, means, color=style.colour, linestyle=style.line, marker=style.marker, markersize=5.5, label=curve.label
    )
    banded = [(v.rate, v.interval.low, v.interval.high) for v in curve.vertices]
    known = [(rate, low, high) for rate, low, high in banded if low is not None and high is not None]
    if known:
        xs, lows, highs = zip(*known, strict=True)
        panel.fill_between(xs, lows, highs, color=style.colour, alpha=0.14, linewidth=0)
