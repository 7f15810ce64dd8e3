"""Styles of arms and of curves in every figure: colour by one axis, marker by another, the same key everywhere.

Where levels outnumber the hues, those of one hue differ in how their markers are filled.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ablate.analysis import Arm, Axis
from ablate.report.evidence import Evidence
from ablate.report.figures import Style, key
from ablate.report.svg import FILLS, LINE_STYLES, MARKERS, MUTED, SERIES, Fill, colours, markers, rounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

BESIDE = "added beside the axes"
LABELLED = 14
"""Arms up to which points carry their names."""
POINT, LETTER, LINE = 11.0, 4.8, 9.5
"""Room for a point, a letter and a line of a label, in points."""
SIDES: tuple[tuple[float, float, Literal["left", "right", "center"]], ...] = (
    (8.0, -LINE / 2, "left"),
    (-8.0, -LINE / 2, "right"),
    (0.0, 8.0, "center"),
    (0.0, -8.0 - LINE, "center"),
)
"""Where a label may stand, seen from its point: across and up in points, and which end of it is there."""


@dataclass(frozen=True)
class Encoding:
    """Which axis a figure shows by colour, which by marker, and along which it draws lines."""

    colour: Axis | None
    marker: Axis | None
    path: Axis | None

    @classmethod
    def of(cls, axes: tuple[Axis, ...]) -> Encoding:
        """Chooses: names before numbers for colour, then markers; lines along the numbers with the most levels."""
        ordered = [axis for axis in axes if axis.numbers is None] + [axis for axis in axes if axis.numbers is not None]
        numeric = [axis for axis in axes if axis.numbers is not None]
        colour, marker = [*ordered, None, None][:2]
        free = [axis for axis in numeric if axis is not colour and axis is not marker]
        rest = free or [axis for axis in numeric if axis is not colour] or numeric
        path = max(reversed(rest), key=lambda axis: len(axis.levels), default=None)
        return cls(colour, marker, path)

    @cached_property
    def palette(self) -> Mapping[str, str]:
        """The colour of each level of the colour's axis."""
        return colours(self.colour.levels, self.colour.numbers is not None) if self.colour else {}

    @cached_property
    def turns(self) -> Mapping[str, int]:
        """How often the hues have begun again before each level of the colour's axis."""
        return rounds(self.colour.levels, self.colour.numbers is not None) if self.colour else {}

    @cached_property
    def shapes(self) -> Mapping[str, str]:
        """The marker of each level of the marker's axis; without one, markers tell apart levels of one colour."""
        if self.marker:
            return markers(self.marker.levels)
        if self.colour is None or self.colour.numbers is not None:
            return {}
        return {level: MARKERS[turn % len(MARKERS)] for level, turn in self.turns.items()}

    @cached_property
    def fills(self) -> Mapping[str, Fill]:
        """How the markers of each level are filled, where their shapes stand for another axis."""
        return {level: FILLS[turn % len(FILLS)] for level, turn in self.turns.items()} if self.marker else {}

    def style(self, arm: Arm, beside: bool) -> Style:
        """Returns how an arm is drawn; one that was added beside the axes is grey with a marker of its own."""
        if beside:
            return Style(MUTED, "*")
        by = self.marker or self.colour
        shape = by.level(arm.axes) if by else None
        colour = self.colour.level(arm.axes) if self.colour else None
        return Style(
            self.palette.get(colour or "", SERIES[0][0]),
            self.shapes.get(shape or "", "o"),
            self.fills.get(colour or "", "full"),
        )


@dataclass(frozen=True)
class LineStyle:
    """Look of a curve."""

    colour: str
    line: str
    marker: str


def line_style(axes: Sequence[Axis], levels: Sequence[str]) -> LineStyle:
    """Returns how a curve at these levels is drawn: colour by the first axis, line and marker by all that is left.

    What is left are the levels of the other axes and, where hues have begun again, how often.
    """
    if not axes:
        return LineStyle(SERIES[0][0], LINE_STYLES[0], MARKERS[0])
    first = axes[0]
    ordered = first.numbers is not None and len(first.levels) > 2
    turns, place = rounds(first.levels, ordered), 0
    for axis, level in zip(axes[1:], levels[1:], strict=True):
        place = place * len(axis.levels) + (axis.levels.index(level) if level in axis.levels else 0)
    place = place * (max(turns.values()) + 1) + turns.get(levels[0], 0)
    colour = colours(first.levels, ordered).get(levels[0], MUTED)
    return LineStyle(colour, LINE_STYLES[place % len(LINE_STYLES)], MARKERS[place % len(MARKERS)])


def arm_styles(evidence: Evidence, encoding: Encoding) -> dict[str, Style]:
    """Returns the style of each finished arm."""
    return {arm.name: encoding.style(arm, not evidence.study.on_axes(arm)) for arm in evidence.finished}


def arm_key(canvas: Canvas, evidence: Evidence, encoding: Encoding) -> None:
    """Adds a key for each of the axes that colours and markers stand for, below the panels."""
    entries: dict[str, dict[str, Style]] = {}
    if encoding.colour:
        own = {} if encoding.marker else encoding.shapes
        entries[encoding.colour.name] = {
            level: Style(encoding.palette[level], own.get(level, "o"), encoding.fills.get(level, "full"))
            for level in encoding.colour.levels
        }
    if encoding.marker:
        entries[encoding.marker.name] = {level: Style(MUTED, shape) for level, shape in encoding.shapes.items()}
    if entries and any(not evidence.study.on_axes(arm) for arm in evidence.finished):
        next(iter(entries.values()))[BESIDE] = Style(MUTED, "*")
    for number, (title, styles) in enumerate(entries.items()):
        # Two keys share the width of the figure.
        key(canvas, styles, title, most=7 if len(entries) == 1 else 5, right=number > 0)


def short_name(evidence: Evidence, name: str, axes: Mapping[str, object]) -> str:
    """Returns an arm by its levels alone, as `hinge · 3 · 48`; one beside the axes by its whole name."""
    levels = [axis.level(axes) or "" for axis in evidence.study.axes]
    short = " · ".join(levels) if levels and evidence.study.on_axes_at(axes) else name
    return f"{short} (baseline)" if evidence.is_baseline(name) else short


def label_points(
    panel: Axes,
    points: Mapping[str, tuple[float, float]],
    first: Sequence[str],
    corners: Sequence[tuple[float, float]] = (),
) -> None:
    """Writes names beside points, on the side where they cover the least.

    Args:
        panel: its limits are final.
        points: name -> x, y in the panel's data; all of them take room.
        first: names that are written in any case; the others only where they cover no point and no name.
        corners: of a staircase that names shall not cross.
    """
    # What is taken already, as boxes in points: every point, and the steps of the staircase.
    inch = panel.figure.dpi / 72
    spots = {name: tuple(panel.transData.transform(point) / inch) for name, point in points.items()}
    left, right = (float(panel.transAxes.transform((edge, 0))[0]) / inch for edge in (0, 1))
    taken = [(x - POINT / 2, y - POINT / 2, x + POINT / 2, y + POINT / 2) for x, y in spots.values()]
    steps = [tuple(panel.transData.transform(corner) / inch) for corner in corners]
    for (a, b), (c, d) in itertools.pairwise(steps):
        taken.append((min(a, c) - 1, min(b, d) - 1, max(a, c) + 1, max(b, d) + 1))
    # Each name takes the side where it covers least of that.
    for name in dict.fromkeys((*first, *points)):
        x, y = spots[name]
        width = LETTER * len(name)
        found = []
        for across, up, anchor in SIDES:
            start = x + across - {"left": 0.0, "right": width, "center": width / 2}[anchor]
            box = (start, y + up, start + width, y + up + LINE)
            inside = box[0] >= left - 40 and box[2] <= right
            found.append(
                (sum(_overlap(box, other) for other in taken) + (0 if inside else 1000), across, up, anchor, box)
            )
        covered, across, up, anchor, box = min(found, key=lambda each: each[0])
        if covered and name not in first:
            continue
        taken.append(box)
        panel.annotate(
            name, points[name], (across, up), textcoords="offset points", ha=anchor, va="bottom", fontsize=8,
            color=MUTED, zorder=6,
        )  # fmt: skip


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    return max(0.0, across) * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
