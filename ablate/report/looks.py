"""How arms look in every drawing: colour by one axis, marker by another, the same key everywhere.

Where levels outnumber the hues, those of one hue differ in how their markers are filled.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ablate.analysis import Axis
from ablate.report.evidence import Encoding, Evidence
from ablate.report.svg import CARD, FILLS, MARKERS, MUTED, SERIES, colours, markers, rounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

PLACES: tuple[Literal["outside lower left", "outside lower right"], ...] = ("outside lower left", "outside lower right")
BESIDE = "added beside the axes"
LABELLED = 14
"""Arms up to which points carry their names."""
POINT, LETTER, LINE = 11.0, 4.8, 9.5
"""What a point, a letter and a line of a label take, in points."""
SIDES: tuple[tuple[float, float, Literal["left", "right", "center"]], ...] = (
    (8.0, -LINE / 2, "left"),
    (-8.0, -LINE / 2, "right"),
    (0.0, 8.0, "center"),
    (0.0, -8.0 - LINE, "center"),
)
"""Where a label may stand, seen from its point: across and up in points, and which end of it is there."""


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    colour: str
    marker: str
    fill: Literal["full", "none", "left", "top"] = "full"

    @property
    def size(self) -> float:
        """How large the marker is against a disc, to weigh the same."""
        return 1.5 if self.marker == "*" else 1.0

    def drawn(self, size: float) -> dict[str, Any]:
        """Returns what matplotlib is told of a marker of this size; an open one has its colour as its edge."""
        edge = {"markeredgecolor": CARD, "markeredgewidth": 0.8}
        inside = {"markerfacecolor": self.colour}
        if self.fill != "full":
            edge = {"markeredgecolor": self.colour, "markeredgewidth": 1.4}
            inside = {"markerfacecolor": CARD} if self.fill == "none" else {"fillstyle": self.fill, **inside}
        look = {"marker": self.marker, "markersize": size * self.size, "linestyle": "none"}
        return {**look, **inside, "markerfacecoloralt": CARD, **edge}


def looks(evidence: Evidence, encoding: Encoding) -> dict[str, Look]:
    """Returns the look of each finished arm; one that was added beside the axes is grey with a marker of its own."""
    palette, shapes, fills = _palette(encoding.colour), _shapes(encoding), _fills(encoding)
    found = {}
    for arm in evidence.finished:
        beside = not evidence.study.on_axes(arm)
        by = encoding.marker or encoding.colour
        shape = by.level(arm.axes) if by else None
        colour = encoding.colour.level(arm.axes) if encoding.colour else None
        found[arm.name] = Look(
            palette.get(colour or "", MUTED if beside else SERIES[0][0]),
            shapes.get(shape or "", "*" if beside else "o"),
            fills.get(colour or "", "full"),
        )
    return found


def legends(canvas: Canvas, evidence: Evidence, encoding: Encoding) -> None:
    """Adds a key for each of the axes that colours and markers stand for, below the panels."""
    from matplotlib.lines import Line2D

    def handle(look: Look, label: str) -> Line2D:
        return Line2D([], [], label=label, **look.drawn(7.5))

    palette, shapes, fills = _palette(encoding.colour), _shapes(encoding), _fills(encoding)
    entries: list[tuple[str, list[Line2D]]] = []
    if encoding.colour:
        own = {} if encoding.marker else shapes
        dressed = {
            level: Look(palette[level], own.get(level, "o"), fills.get(level, "full"))
            for level in encoding.colour.levels
        }
        entries.append((encoding.colour.name, [handle(look, level) for level, look in dressed.items()]))
    if encoding.marker:
        levels = encoding.marker.levels
        entries.append((encoding.marker.name, [handle(Look(MUTED, shapes[level]), level) for level in levels]))
    if entries and any(not evidence.study.on_axes(arm) for arm in evidence.finished):
        entries[0][1].append(handle(Look(MUTED, "*"), BESIDE))
    for (title, handles), place in zip(entries, PLACES, strict=False):
        # Two keys share the width of the drawing.
        columns = min(len(handles), 7 if len(entries) == 1 else 5)
        canvas.legend(handles=handles, title=title, loc=place, ncols=columns, alignment="left")


def short_name(evidence: Evidence, name: str, axes: Mapping[str, object]) -> str:
    """Returns an arm by its levels alone, as `hinge · 3 · 48`; one beside the axes by its whole name."""
    levels = [axis.level(axes) for axis in evidence.study.axes]
    short = " · ".join(level for level in levels if level) if levels and all(levels) else name
    baseline = evidence.study.baseline
    return f"{short} (baseline)" if baseline and baseline.name == name else short


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
    inch = panel.figure.dpi / 72
    spots = {name: tuple(panel.transData.transform(point) / inch) for name, point in points.items()}
    left, right = (float(panel.transAxes.transform((edge, 0))[0]) / inch for edge in (0, 1))
    taken = [(x - POINT / 2, y - POINT / 2, x + POINT / 2, y + POINT / 2) for x, y in spots.values()]
    steps = [tuple(panel.transData.transform(corner) / inch) for corner in corners]
    for (a, b), (c, d) in itertools.pairwise(steps):
        taken.append((min(a, c) - 1, min(b, d) - 1, max(a, c) + 1, max(b, d) + 1))
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


def _palette(axis: Axis | None) -> dict[str, str]:
    return colours(axis.levels, axis.numbers is not None) if axis else {}


def _shapes(encoding: Encoding) -> dict[str, str]:
    """Returns a marker for each level of the marker's axis; without one, they tell apart levels of one colour."""
    if encoding.marker:
        return markers(encoding.marker.levels)
    if encoding.colour is None or encoding.colour.numbers is not None:
        return {}
    return {
        level: MARKERS[turn % len(MARKERS)] for level, turn in rounds(encoding.colour.levels, ordered=False).items()
    }


def _fills(encoding: Encoding) -> dict[str, Literal["full", "none", "left", "top"]]:
    """Returns how the markers of each level are filled, where their shapes stand for another axis."""
    if encoding.colour is None or encoding.marker is None:
        return {}
    turns = rounds(encoding.colour.levels, encoding.colour.numbers is not None)
    return {level: FILLS[turn % len(FILLS)] for level, turn in turns.items()}
