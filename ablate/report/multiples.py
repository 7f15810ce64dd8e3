"""Small multiples of training curves: rows of quantities, columns of loss types, one key for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.analysis import CellRecord
from ablate.report.document import Figure
from ablate.report.svg import arrange, drawing, to_svg

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COLUMNS = 6
"""Loss types side by side; a grid with more has further drawings."""

MOST = 24
"""Loss types that are drawn at most; those with the most cells are."""

LEGEND_WIDTH = 110
"""Letters, with their key, that a row of a legend has room for."""

Groups = Mapping[str, Sequence[CellRecord]]
"""Loss type -> its cells that have ended."""

Paint = Callable[["Axes", str, Sequence[CellRecord], str], None]
"""Draws one quantity of one loss type's cells into a panel."""


@dataclass(frozen=True)
class Multiples:
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
            yield Figure(title, self._draw(title, part, paint, limits), self.alternative, caption)

    def _draw(
        self, title: str, groups: Groups, paint: Paint, limits: Mapping[str, tuple[float, float]]
    ) -> str:  # fmt: skip
        with drawing(title):
            from matplotlib.figure import Figure as Canvas

            canvas = Canvas()
            grid = canvas.subplots(len(self.rows), len(groups), squeeze=False, sharex=True)
            self._fill(grid, groups, paint)
            for row, quantity in enumerate(self.rows):
                if quantity in limits:
                    grid[row][0].set_ylim(limits[quantity])
            bottom = 0.6 + 0.2 * _legend(canvas, grid)
            canvas.set_size_inches(11, 0.3 + self.height * len(self.rows) + bottom)
            arrange(canvas, left=0.8, right=0.1, top=0.3, bottom=bottom, across=0.5, down=0.18)
            return to_svg(canvas)

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


def _legend(canvas: Canvas, grid: np.ndarray) -> int:
    """Adds one legend for all panels and returns how many rows it has."""
    handles: dict[str, Any] = {}
    for panels in grid:
        for panel in panels:
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
    if len(handles) < 2:
        return 0
    columns = max(1, LEGEND_WIDTH // max(map(len, handles)))
    canvas.legend(handles.values(), handles.keys(), loc="lower left", ncols=columns)
    return -(-len(handles) // columns)
