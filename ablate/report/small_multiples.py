"""Small multiples of training curves: rows of quantities, columns of loss types, one key for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.records import CellRecord
from ablate.report.document import Figure
from ablate.report.figures import WIDTH, draw
from ablate.report.svg import arrange

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COLUMNS = 6
"""Loss types side by side; a grid with more has further drawings."""

MOST = 24
"""Loss types that are drawn at most; those with the most cells are."""

LEGEND_WIDTH, KEY = 150, 8
"""Letters that a row of a legend has room for, and what the sample and the gap of an entry take of them."""

ROW = 0.2
"""Height of a row of a legend in inches."""

Groups = Mapping[str, Sequence[CellRecord]]
"""Loss type -> its cells that have ended."""

Paint = Callable[["Axes", str, Sequence[CellRecord], str], None]
"""Draws one quantity of one loss type's cells into a panel."""


@dataclass(frozen=True)
class SmallMultiples:
    """What to draw: quantity -> title of its row; rows that are `shared` have one scale for all loss types."""

    name: str
    rows: Mapping[str, str]
    shared: Sequence[str]
    alternative: str
    caption: str
    height: float = 1.75

    def figures(self, groups: Groups, paint: Paint) -> Iterator[Figure]:
        """Draws a figure for every `COLUMNS` loss types; the first one carries the whole caption."""
        names = list(groups)
        limits = self._limits(groups, paint) if len(names) > COLUMNS else {}
        for start in range(0, len(names), COLUMNS):
            part = {name: groups[name] for name in names[start : start + COLUMNS]}
            title = f"{self.name}-{start // COLUMNS + 1}" if start else self.name
            caption = f"The same for {', '.join(part)}." if start else self.caption
            yield self._draw(title, part, paint, limits, caption)

    def _draw(
        self, title: str, groups: Groups, paint: Paint, limits: Mapping[str, tuple[float, float]], caption: str
    ) -> Figure:
        with draw(title, 1, layout=None) as drawn:
            grid = drawn.canvas.subplots(len(self.rows), len(groups), squeeze=False, sharex=True)
            self._fill(grid, groups, paint)
            for row, quantity in enumerate(self.rows):
                if quantity in limits:
                    grid[row][0].set_ylim(limits[quantity])
            # The height follows from how many rows the keys take.
            keys = _keys(dict(zip(self.rows.values(), grid, strict=True)))
            bottom = 0.6 + ROW * sum(key.rows for key in keys)
            drawn.canvas.set_size_inches(WIDTH, 0.3 + self.height * len(self.rows) + bottom)
            _write(drawn.canvas, keys)
            arrange(drawn.canvas, left=0.8, right=0.1, top=0.3, bottom=bottom, across=0.5, down=0.18)
            return drawn.figure(self.alternative, caption)

    def _fill(self, grid: np.ndarray, groups: Groups, paint: Paint) -> None:
        for row, (quantity, title) in enumerate(self.rows.items()):
            for column, (loss, cells) in enumerate(groups.items()):
                panel = grid[row][column]
                if column and quantity in self.shared:
                    panel.sharey(grid[row][0])
                    panel.tick_params(labelleft=False)
                paint(panel, quantity, cells, loss)
                if not panel.has_data():
                    panel.set_axis_off()
                if not row:
                    panel.set_title(loss)
                if row == len(self.rows) - 1:
                    panel.set_xlabel("step")
            grid[row][0].set_ylabel(title)

    def _limits(self, groups: Groups, paint: Paint) -> dict[str, tuple[float, float]]:
        """Returns the scale of each shared row over all figures, so that they compare."""
        from matplotlib.figure import Figure as Canvas

        limits = {}
        for quantity in self.shared:
            panel = Canvas().subplots()
            for loss, cells in groups.items():
                paint(panel, quantity, cells, loss)
            limits[quantity] = panel.get_ylim()
        return limits


def largest(groups: Groups) -> Groups:
    """Returns the loss types with the most cells, in their order."""
    kept = sorted(groups, key=lambda name: -len(groups[name]))[:MOST]
    return {name: cells for name, cells in groups.items() if name in kept}


@dataclass(frozen=True)
class Key:
    """A legend: what its entries are called, and a title where a drawing has several."""

    handles: Mapping[str, Any]
    title: str = ""

    @property
    def columns(self) -> int:
        """Entries side by side."""
        return max(1, LEGEND_WIDTH // (max(map(len, self.handles)) + KEY))

    @property
    def rows(self) -> int:
        """Lines that it takes."""
        return -(-len(self.handles) // self.columns) + bool(self.title)


def _keys(panels: Mapping[str, Sequence[Axes]]) -> list[Key]:
    """Returns one key for all rows, or a key for each where one style means one thing here and another there."""
    rows = {title: _handles(row) for title, row in panels.items()}
    everything = {label: handle for handles in rows.values() for label, handle in handles.items()}
    styles = {(handle.get_color(), handle.get_linestyle()) for handle in everything.values()}
    if len(styles) < len(everything):
        return [Key(handles, title) for title, handles in rows.items() if handles]
    return [Key(everything)] if len(everything) > 1 else []


def _handles(panels: Sequence[Axes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return found


def _write(canvas: Canvas, keys: Sequence[Key]) -> None:
    """Writes the keys below each other at the foot of the drawing."""
    foot = 0.0
    for key in reversed(keys):
        canvas.legend(
            key.handles.values(), key.handles.keys(), loc="lower left", ncols=key.columns, title=key.title or None,
            bbox_to_anchor=(0, foot / canvas.get_figheight()), alignment="left",
        )  # fmt: skip
        foot += ROW * key.rows
