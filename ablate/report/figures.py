"""Style of all figures of a report: size, markers, points that carry words, labels of axes, rows of names, keys."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ablate.metrics import Metric
from ablate.report.document import Figure
from ablate.report.svg import CARD, MUTED, Fill, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas

WIDTH = 11
"""Inches that a figure is wide in a report; a page scales all of them alike."""


@dataclass(frozen=True)
class Paper:
    """Place of a figure in a printed paper.

    Attributes:
        name: ending of the file's name.
        width: in inches.
        panel_height: of panels that are stacked, as a share of the height that they have side by side; None where they
            stay side by side.
        letters: size of letters, as a share of those in a report.
    """

    name: str
    width: float
    panel_height: float | None
    letters: float = 0.8


PAPERS = (Paper("page", 7.0, None), Paper("column", 3.4, 0.85))
"""Widths of a page and of one of two columns, as most conferences have them."""

PRINTED: Mapping[str, Mapping[str, Any]] = {
    "pdf": {"pdf.fonttype": 42},
    "svg": {"svg.fonttype": "path"},
    "png": {"savefig.dpi": 300},
}
"""Formats of figures for papers, by ending -> what matplotlib is told: letters are embedded or drawn."""

_printing: ContextVar[tuple[Paper, str] | None] = ContextVar("printing", default=None)


@contextmanager
def printing(paper: Paper, ending: str) -> Iterator[None]:
    """Makes figures that are drawn within the block files for a paper instead of parts of a report."""
    token = _printing.set((paper, ending))
    try:
        yield
    finally:
        _printing.reset(token)


COLUMNS = 7
"""Entries of a key side by side."""

LONG_NAME = 44
"""Characters of a row's name in one line."""


@dataclass(frozen=True)
class Style:
    """Look of a marker."""

    colour: str
    marker: str = "o"
    fill: Fill = "full"

    @property
    def size(self) -> float:
        """How large the marker is against a disc, to weigh the same."""
        return 1.5 if self.marker == "*" else 1.0

    def drawn(self, size: float, ring: str = CARD) -> dict[str, Any]:
        """Returns what matplotlib is told of a marker of this size; an open one has its colour as its edge."""
        edge = {"markeredgecolor": ring, "markeredgewidth": 0.8 if ring == CARD else 1.5}
        inside = {"markerfacecolor": self.colour}
        if self.fill != "full":
            edge = {"markeredgecolor": self.colour, "markeredgewidth": 1.4}
            inside = {"markerfacecolor": CARD} if self.fill == "none" else {"fillstyle": self.fill, **inside}
        shape = {"marker": self.marker, "markersize": size * self.size, "linestyle": "none"}
        return {**shape, **inside, "markerfacecoloralt": CARD, **edge}


@dataclass
class Drawing:
    """A figure while it is drawn."""

    name: str
    canvas: Canvas
    width: float
    """In inches."""
    letters: float = 1.0
    """Size of letters, as a share of those in a report."""
    titles: dict[str, str] = field(default_factory=dict)
    """Group id -> words that show when the pointer rests on it."""

    stacked: bool = False

    @property
    def room(self) -> float:
        """How many letters a row holds, as a share of those in a report."""
        return self.width / WIDTH / self.letters

    def panels(self, count: int, **layout: Any) -> Sequence[Axes]:
        """Returns so many panels in a row, or below each other in a column of a paper."""
        now = _printing.get()
        found: Sequence[Axes]
        if now is None or now[0].panel_height is None:
            found = self.canvas.subplots(1, count, squeeze=False, **layout)[0]
            return found
        self.stacked = True
        height = float(self.canvas.get_size_inches()[1])
        self.canvas.set_size_inches(self.width, height * now[0].panel_height * count)
        layout.pop("width_ratios", None)
        found = self.canvas.subplots(count, 1, squeeze=False, **layout)[:, 0]
        return found

    def point(self, panel: Axes, x: float, y: float, title: str, **style: Any) -> None:
        """Draws a marker; where there is a title, it shows when the pointer rests on the marker."""
        (artist,) = panel.plot(x, y, **style)
        if title:
            group = f"{self.name}-{len(self.titles)}"
            artist.set_gid(group)
            self.titles[group] = title

    def figure(self, alternative: str, caption: str) -> Figure:
        """Returns what was drawn, with the words that stand for it and the words below it."""
        now = _printing.get()
        if now is not None:
            return Figure(self.name, "", alternative, caption, self._file(*now))
        return Figure(self.name, to_svg(self.canvas, self.titles), alternative, caption)

    def _file(self, paper: Paper, ending: str) -> bytes:
        """Returns the file for a paper; nothing where a grid of panels does not fit into a column."""
        if paper.panel_height is not None and not self.stacked and len(self.canvas.axes) > 1:
            return b""
        file = io.BytesIO()
        stamp = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(ending, {})
        self.canvas.savefig(file, format=ending, facecolor="white", metadata=stamp)
        return file.getvalue()


@contextmanager
def draw(name: str, height: float, layout: Literal["constrained"] | None = "constrained") -> Iterator[Drawing]:
    """Opens a figure of the report's width, `height` inches high; all of it is drawn within the block."""
    now = _printing.get()
    width, letters, options = (now[0].width, now[0].letters, PRINTED[now[1]]) if now else (WIDTH, 1.0, {})
    with drawing(name, letters, options):
        from matplotlib.figure import Figure as Canvas

        yield Drawing(name, Canvas(figsize=(width, height * letters), layout=layout), width, letters)


def axis_title(metric: Metric, better: bool = False) -> str:
    """Returns a metric with its unit, as an axis or a panel is called, and which way is better."""
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.label}{unit}" + (f", {metric.direction} is better" if better and metric.direction else "")


def name_rows(panel: Axes, names: Sequence[str]) -> None:
    """Makes a panel a list: a row for each name from the top down, in two lines where it is long."""
    panel.set_yticks(range(len(names)), [_in_two_lines(name) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.grid(False, axis="y")


def _in_two_lines(name: str) -> str:
    """Breaks a name that would leave no room for what it names; what is too long for that, too, ends in dots."""
    if len(name) <= LONG_NAME:
        return name
    first, *rest = textwrap.wrap(name, LONG_NAME)
    return "\n".join([first, *([textwrap.shorten(" ".join(rest), LONG_NAME, placeholder=" …")] if rest else [])])


def plain_numbers(axis: Axis, base: float = 10, subs: Sequence[float] = (1,), most: int = 6) -> None:
    """Labels a few places of a logarithmic axis by their numbers as they are spoken."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=base, subs=subs, numticks=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def key(
    canvas: Canvas, entries: Mapping[str, Style], title: str = "", most: int = COLUMNS, right: bool = False
) -> None:
    """Writes below the panels what each style stands for, `most` entries side by side."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, **style.drawn(7.5)) for label, style in entries.items()]
    now = _printing.get()
    most = max(1, round(most * now[0].width / WIDTH)) if now else most
    canvas.legend(
        handles=handles, title=title or None, loc="outside lower right" if right else "outside lower left",
        ncols=min(len(handles), most), alignment="left",
    )  # fmt: skip


def band(panel: Axes, row: float, low: float, high: float, half: float = 0.5) -> None:
    """Shades a stretch of a row: what lies inside is no difference."""
    panel.fill_betweenx([row - half, row + half], low, high, color=MUTED, alpha=0.16, linewidth=0)
