"""Draws planes of two metrics: every arm with its seeds, the front as a staircase, and ellipses of certainty."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Arm, Axis, Point
from ablate.report.document import Figure
from ablate.report.evidence import Encoding, Evidence
from ablate.report.looks import LABELLED, Look, label_points, legends, looks, short_name
from ablate.report.numbers import fixed, joined
from ablate.report.planes import Plane
from ablate.report.svg import INK, MUTED, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLED = 400
"""Arms up to which each point carries its name for the pointer."""
CROWDED = 60
ELLIPSE_SEEDS = 5
"""Seeds from which a confidence ellipse is drawn: below, it is wider than the panel whatever the values."""


def frontier_figure(evidence: Evidence, encoding: Encoding, planes: Sequence[Plane]) -> Figure:
    """Draws a panel a plane, all with the same quality upwards."""
    titles: dict[str, str] = {}
    dressed = looks(evidence, encoding)
    quality = planes[0].quality
    with drawing("tradeoff"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 5.6), layout="constrained")
        panels = canvas.subplots(1, len(planes), squeeze=False, sharey=True)[0]
        for panel, plane in zip(panels, planes, strict=True):
            titles |= _panel(panel, evidence, plane, dressed, encoding.path)
        panels[0].set_ylabel(f"{quality.label} ({quality.unit}), {quality.direction} is better")
        legends(canvas, evidence, encoding)
        canvas.draw_without_rendering()
        for panel, plane in zip(panels, planes, strict=True):
            _name(panel, evidence, plane)
        svg = to_svg(canvas, titles)
    listed = joined([plane.other.label for plane in planes])
    return Figure(
        "tradeoff", svg, f"{quality.label} of every arm against {listed}", _caption(evidence, encoding, planes)
    )


def _caption(evidence: Evidence, encoding: Encoding, planes: Sequence[Plane]) -> str:
    several = any(len(pairs) > 1 for pairs in planes[0].shown.values())
    small = "; small: single seeds" if several else ""
    caption = (
        f"Large: mean of an arm over its seeds{small}"
        + (", without what a seed moves for all arms alike. " if planes[0].centred else ". ")
        + "Ringed, and joined by the dotted staircase: no other arm beats it on both."
    )
    certain = any(len(pairs) >= ELLIPSE_SEEDS for plane in planes for pairs in plane.seeds.values())
    if certain and not _crowded(planes[0]):
        caption += " Ellipses: 95% confidence regions of the means (Hotelling)."
    if encoding.path:
        caption += f" Lines join arms that differ in {encoding.path.name} alone, in its order."
    shown = {axis.name for axis in (encoding.colour, encoding.marker, encoding.path) if axis}
    hidden = [axis.name for axis in evidence.study.axes if axis.name not in shown]
    if hidden:
        caption += f" {joined(hidden)} cannot be told apart here."
    return caption + " Rest the pointer on a point for its name."


def _crowded(plane: Plane) -> bool:
    return len(plane.points) > CROWDED


def _panel(
    panel: Axes, evidence: Evidence, plane: Plane, dressed: Mapping[str, Look], path: Axis | None
) -> dict[str, str]:
    """Draws seeds, ellipses, paths, the front and means, and returns what each point is called."""
    from matplotlib.ticker import MaxNLocator

    other = plane.other
    _draw_seeds(panel, plane, dressed)
    if not _crowded(plane):
        _draw_ellipses(panel, plane, dressed)
    for names in _paths(evidence, path, plane.points) if path else ():
        hues = {dressed[name].colour for name in names}
        ys, xs = zip(*(plane.points[name] for name in names), strict=True)
        panel.plot(xs, ys, alpha=0.4, linewidth=1, color=hues.pop() if len(hues) == 1 else MUTED)
    _draw_front(panel, plane)
    titles = {}
    for number, (name, (y, x)) in enumerate(plane.points.items()):
        drawn = dressed[name].drawn(5.5 if _crowded(plane) else 8.5)
        if name in plane.front:
            # Beneath the point, whose own edge may be what tells its level.
            panel.plot(x, y, dressed[name].marker, color=INK, markersize=drawn["markersize"] + 2.2, zorder=4.9)
        (artist,) = panel.plot(x, y, zorder=5, **drawn)
        if len(plane.points) <= TITLED:
            group = f"{other.name}-{number}"
            artist.set_gid(group)
            values = f"{fixed(y, plane.quality.decimals)} {plane.quality.unit}, {fixed(x, other.decimals)} {other.unit}"
            titles[group] = f"{name}: {values.strip()}"
    panel.xaxis.set_major_locator(MaxNLocator(5))
    unit = f" ({other.unit})" if other.unit else ""
    panel.set_xlabel(f"{other.label}{unit}, {other.direction} is better")
    return titles


def _name(panel: Axes, evidence: Evidence, plane: Plane) -> None:
    """Names the front and the baseline, and where arms are few each other one that has room."""
    baseline, axes = evidence.study.baseline, {arm.name: arm.axes for arm in evidence.finished}
    few = len(plane.points) <= LABELLED
    names = {
        name: short_name(evidence, name, axes[name]) if few else "baseline"
        for name in plane.points
        if few or (baseline and name == baseline.name)
    }
    first = [words for name, words in names.items() if name in plane.front or (baseline and name == baseline.name)]
    label_points(panel, {words: plane.points[name][::-1] for name, words in names.items()}, first, _stairs(plane))


def _draw_seeds(panel: Axes, plane: Plane, dressed: Mapping[str, Look]) -> None:
    import seaborn

    points = [(dressed[name], pair) for name, pairs in plane.shown.items() if len(pairs) > 1 for pair in pairs.values()]
    if not points:
        return
    drawn = dict.fromkeys(look for look, _ in points)
    seaborn.scatterplot(
        x=[x for _, (_, x) in points], y=[y for _, (y, _) in points], hue=[look.colour for look, _ in points],
        palette={look.colour: look.colour for look in drawn}, style=[look.marker for look, _ in points],
        markers={look.marker: look.marker for look in drawn}, alpha=0.45, s=8 if _crowded(plane) else 16, linewidth=0,
        ax=panel, legend=False,
    )  # fmt: skip


def _draw_ellipses(panel: Axes, plane: Plane, dressed: Mapping[str, Look]) -> None:
    from matplotlib.patches import Ellipse

    for name, pairs in plane.shown.items():
        if len(pairs) >= ELLIPSE_SEEDS:
            width, height, angle = confidence_ellipse([(x, y) for y, x in pairs.values()])
            y, x = plane.points[name]
            panel.add_patch(
                Ellipse((x, y), width, height, angle=angle, color=dressed[name].colour, alpha=0.12, linewidth=0)
            )


def confidence_ellipse(points: Sequence[Point], confidence: float = 0.95) -> tuple[float, float, float]:
    """Returns width, height and angle in degrees of the confidence region of a mean over n > 2 points.

    Hotelling's T²: (mean - m)' S^-1 (mean - m) <= 2 (n - 1) / (n (n - 2)) F(2, n - 2).
    """
    import numpy as np
    from scipy import special

    n = len(points)
    radius = (2 * (n - 1) / (n * (n - 2)) * special.fdtri(2, n - 2, confidence)) ** 0.5
    lengths, directions = np.linalg.eigh(np.cov(np.array(points).T))
    height, width = 2 * radius * np.sqrt(np.maximum(lengths, 0.0))
    return float(width), float(height), float(np.degrees(np.arctan2(directions[1, 1], directions[0, 1])))


def _draw_front(panel: Axes, plane: Plane) -> None:
    """Joins the points of the front by the staircase below which everything is beaten."""
    stairs = _stairs(plane)
    if stairs:
        xs, ys = zip(*stairs, strict=True)
        panel.plot(xs, ys, color=INK, linewidth=1, linestyle=":", alpha=0.7, zorder=2)


def _stairs(plane: Plane) -> list[tuple[float, float]]:
    """Returns the corners of the staircase, x and y, from the point that is best in the other metric on."""
    points = [(x, y) for y, x in (plane.points[name] for name in plane.front)]
    front = sorted(points, key=lambda point: -point[0] * plane.other.sign)
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
