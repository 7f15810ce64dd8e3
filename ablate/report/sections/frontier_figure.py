"""Draws metrics against each other: every arm with its seeds, the front as a staircase, and ellipses of certainty."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Arm, Axis, Scatter
from ablate.analysis.scatter import confidence_ellipse
from ablate.report.document import Figure
from ablate.report.evidence import Evidence
from ablate.report.figures import Drawing, Style, axis_title, draw
from ablate.report.numbers import joined, with_unit
from ablate.report.styles import LABELLED, Encoding, arm_key, arm_styles, label_points, short_name
from ablate.report.svg import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLED = 400
"""Arms up to which each point carries its name for the pointer."""
CROWDED = 24
"""Arms from which points are small, and only the front and the baseline have a confidence ellipse."""
ELLIPSE_SEEDS = 5
"""Seeds from which a confidence ellipse is drawn: below, it is wider than the panel whatever the values."""


def frontier_figure(evidence: Evidence, encoding: Encoding, scatters: Sequence[Scatter]) -> Figure:
    """Draws a panel for each pair of metrics, all with the same quality upwards."""
    styles, quality = arm_styles(evidence, encoding), scatters[0].quality
    with draw("tradeoff", 4.6) as drawn:
        panels = drawn.panels(len(scatters), sharey=True)
        for panel, scatter in zip(panels, scatters, strict=True):
            _panel(drawn, panel, evidence, scatter, styles, encoding.path)
        panels[0].set_ylabel(axis_title(quality, better=True))
        arm_key(drawn.canvas, evidence, encoding)
        # Names are placed where they cover least, once the panels have their final size.
        drawn.canvas.draw_without_rendering()
        for panel, scatter in zip(panels, scatters, strict=True):
            _name(panel, evidence, scatter)
        listed = joined([scatter.other.label for scatter in scatters])
        return drawn.figure(f"{quality.label} of every arm against {listed}", _caption(evidence, encoding, scatters))


def _caption(evidence: Evidence, encoding: Encoding, scatters: Sequence[Scatter]) -> str:
    several = any(len(pairs) > 1 for pairs in scatters[0].shown.values())
    small = "; small: single seeds" if several else ""
    caption = (
        f"Large: mean of an arm over its seeds{small}"
        + (", without what a seed moves for all arms alike. " if scatters[0].centred else ". ")
        + "Ringed, and joined by the dotted staircase: no other arm beats it on both."
    )
    certain = any(len(pairs) >= ELLIPSE_SEEDS for scatter in scatters for pairs in scatter.seeds.values())
    if certain:
        whose = ", of the front and the baseline" if _crowded(scatters[0]) else ""
        caption += f" Ellipses: 95% confidence regions of the means{whose} (Hotelling)."
    if encoding.path:
        caption += f" Lines join arms that differ in {encoding.path.name} alone, in its order."
    shown = {axis.name for axis in (encoding.colour, encoding.marker, encoding.path) if axis}
    hidden = [axis.name for axis in evidence.study.axes if axis.name not in shown]
    if hidden:
        caption += f" {joined(hidden)} cannot be told apart here."
    return caption + " Rest the pointer on a point for its name."


def _crowded(scatter: Scatter) -> bool:
    return len(scatter.points) > CROWDED


def _panel(
    drawn: Drawing, panel: Axes, evidence: Evidence, scatter: Scatter, styles: Mapping[str, Style], path: Axis | None
) -> None:
    """Draws seeds, ellipses, paths, the front and means."""
    from matplotlib.ticker import MaxNLocator

    quality, other = scatter.quality, scatter.other
    _draw_seeds(panel, scatter, styles)
    _draw_ellipses(panel, evidence, scatter, styles)
    for names in _paths(evidence, path, scatter.points) if path else ():
        hues = {styles[name].colour for name in names}
        ys, xs = zip(*(scatter.points[name] for name in names), strict=True)
        panel.plot(xs, ys, alpha=0.4, linewidth=1, color=hues.pop() if len(hues) == 1 else MUTED)
    _draw_front(panel, scatter)
    for name, (y, x) in scatter.points.items():
        style = styles[name].drawn(5.5 if _crowded(scatter) else 8.5)
        if name in scatter.front:
            # Beneath the point, whose own edge may be what tells its level.
            panel.plot(x, y, styles[name].marker, color=INK, markersize=style["markersize"] + 2.2, zorder=4.9)
        title = f"{name}: {with_unit(quality, y)}, {with_unit(other, x)}" if len(scatter.points) <= TITLED else ""
        drawn.point(panel, x, y, title, zorder=5, **style)
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.set_xlabel(axis_title(other, better=True))


def _name(panel: Axes, evidence: Evidence, scatter: Scatter) -> None:
    """Names the front and the baseline as far as there is room, and where arms are few each other one, too."""
    axes, few = {arm.name: arm.axes for arm in evidence.finished}, len(scatter.points) <= LABELLED
    names = {
        name: short_name(evidence, name, axes[name]) if few or not evidence.is_baseline(name) else "baseline"
        for name in scatter.points
        if few or _marked(evidence, scatter, name)
    }
    first = [words for name, words in names.items() if _marked(evidence, scatter, name)]
    label_points(panel, {words: scatter.points[name][::-1] for name, words in names.items()}, first, _stairs(scatter))


def _marked(evidence: Evidence, scatter: Scatter, name: str) -> bool:
    return name in scatter.front or evidence.is_baseline(name)


def _draw_seeds(panel: Axes, scatter: Scatter, styles: Mapping[str, Style]) -> None:
    for name, pairs in scatter.shown.items():
        if len(pairs) > 1:
            ys, xs = zip(*pairs.values(), strict=True)
            panel.plot(xs, ys, styles[name].marker, color=styles[name].colour, alpha=0.45, markeredgewidth=0,
                       markersize=2.8 if _crowded(scatter) else 4)  # fmt: skip


def _draw_ellipses(panel: Axes, evidence: Evidence, scatter: Scatter, styles: Mapping[str, Style]) -> None:
    from matplotlib.patches import Ellipse

    for name, pairs in scatter.shown.items():
        if len(pairs) >= ELLIPSE_SEEDS and (not _crowded(scatter) or _marked(evidence, scatter, name)):
            width, height, angle = confidence_ellipse([(x, y) for y, x in pairs.values()])
            y, x = scatter.points[name]
            panel.add_patch(
                Ellipse((x, y), width, height, angle=angle, color=styles[name].colour, alpha=0.12, linewidth=0)
            )


def _draw_front(panel: Axes, scatter: Scatter) -> None:
    """Joins the points of the front by the staircase below which everything is beaten."""
    stairs = _stairs(scatter)
    if stairs:
        xs, ys = zip(*stairs, strict=True)
        panel.plot(xs, ys, color=INK, linewidth=1, linestyle=":", alpha=0.7, zorder=2)


def _stairs(scatter: Scatter) -> list[tuple[float, float]]:
    """Returns the corners of the staircase, x and y, from the point that is best in the other metric on."""
    points = [(x, y) for y, x in (scatter.points[name] for name in scatter.front)]
    front = sorted(points, key=lambda point: -point[0] * scatter.other.sign)
    # What a point beats reaches from it to the worse side of both, so that a step goes along before it goes up.
    corners = front[:1]
    for (_, low), (x, y) in itertools.pairwise(front):
        corners += [(x, low), (x, y)]
    return corners if len(front) > 1 else []


def _paths(evidence: Evidence, path: Axis, points: Mapping[str, Any]) -> list[list[str]]:
    others = [axis for axis in evidence.study.axes if axis is not path]
    groups: dict[tuple[str | None, ...], list[Arm]] = {}
    for arm in evidence.finished:
        if evidence.study.on_axes(arm) and arm.name in points:
            groups.setdefault(tuple(axis.level(arm.axes) for axis in others), []).append(arm)
    order = path.levels.index
    return [
        [arm.name for arm in sorted(arms, key=lambda arm: order(path.level(arm.axes) or path.baseline))]
        for arms in groups.values()
        if len(arms) > 1
    ]
