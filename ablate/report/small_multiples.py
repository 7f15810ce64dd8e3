"""Small multiples of training curves: rows of quantities, columns of loss types, one key for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.report.document import Figure
from ablate.report.figures import draw
from ablate.report.svg import arrange

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COLUMNS = 6
"""Loss types side by side; a grid with more has further drawings."""

LEGEND_WIDTH, KEY = 150, 8
"""Letters that a row of a legend has room for in a report, and what the sample and the gap of an entry take of them."""

ROW = 0.2
"""Height of a row of a legend in inches."""


@dataclass(frozen=True)
class Line:
    """A curve of one panel.

    Attributes:
        quantity: what the values are of, in report.json.
        label: what the key calls it.
        values: one a step.
        colour: how it is drawn.
        style: how it is drawn.
        limits: what is shaded behind it.
        called: what report.json calls the cells whose mean it is.
    """

    quantity: str
    label: str
    values: np.ndarray
    colour: str
    style: str = "-"
    limits: tuple[np.ndarray, np.ndarray] | None = None
    called: str = "all cells"


@dataclass(frozen=True)
class Row:
    """A quantity: the lines of each loss type, and what is set in its panels once they are drawn.

    Rows that are `shared` have one scale for all loss types.
    """

    title: str
    lines: Mapping[str, Sequence[Line]]
    dress: Callable[[Axes], None] | None = None
    shared: bool = True

    def draw(self, panel: Axes, loss: str, steps: np.ndarray) -> None:
        """Draws the lines of one loss type."""
        for line in self.lines[loss]:
            panel.plot(steps, line.values, color=line.colour, linestyle=line.style, label=line.label)
            if line.limits is not None:
                panel.fill_between(steps, *line.limits, color=line.colour, alpha=0.13, linewidth=0)
        panel.margins(x=0.02)
        if self.dress:
            self.dress(panel)


@dataclass(frozen=True)
class SmallMultiples:
    """Rows over the same steps, with what is said of them."""

    name: str
    rows: Sequence[Row]
    steps: np.ndarray
    alternative: str
    caption: str
    height: float = 1.75

    def figures(self) -> Iterator[Figure]:
        """Draws a figure for every `COLUMNS` loss types; the first one carries the whole caption."""
        names = list(self.rows[0].lines) if self.rows else []
        for start in range(0, len(names), COLUMNS):
            part = names[start : start + COLUMNS]
            name = f"{self.name}-{start // COLUMNS + 1}" if start else self.name
            caption = f"The same for {', '.join(part)}." if start else self.caption
            yield self._figure(name, part, caption, several=len(names) > COLUMNS)

    def numbers(self) -> list[dict[str, Any]]:
        """Returns every line that is drawn."""
        lines = {
            (loss, line.quantity, line.called): line.values
            for row in self.rows
            for loss, own in row.lines.items()
            for line in own
        }
        return [
            {"loss": loss, "quantity": quantity, "line": line, "values": values}
            for (loss, quantity, line), values in lines.items()
        ]

    def _figure(self, name: str, losses: Sequence[str], caption: str, several: bool) -> Figure:
        with draw(name, 1, layout=None) as drawn:
            grid = drawn.canvas.subplots(len(self.rows), len(losses), squeeze=False, sharex=True)
            for row, panels in zip(self.rows, grid, strict=True):
                self._row(row, panels, losses)
                # Rows have one scale over all figures, too, so that they compare.
                if several and row.shared:
                    panels[0].set_ylim(self._limits(row))
            for panel, loss in zip(grid[0], losses, strict=True):
                panel.set_title(loss)
            for panel in grid[-1]:
                panel.set_xlabel("step")
            # The height follows from how many lines the keys take.
            room = round(LEGEND_WIDTH * drawn.room)
            keys = _keys({row.title: panels for row, panels in zip(self.rows, grid, strict=True)}, room)
            bottom = 0.6 + ROW * sum(key.rows for key in keys)
            drawn.canvas.set_size_inches(drawn.width, 0.3 + self.height * len(self.rows) + bottom)
            _write(drawn.canvas, keys)
            arrange(drawn.canvas, left=0.8, right=0.1, top=0.3, bottom=bottom, across=0.5, down=0.18)
            return drawn.figure(self.alternative, caption)

    def _row(self, row: Row, panels: Sequence[Axes], losses: Sequence[str]) -> None:
        for panel, loss in zip(panels, losses, strict=True):
            if row.shared and panel is not panels[0]:
                panel.sharey(panels[0])
                panel.tick_params(labelleft=False)
            row.draw(panel, loss, self.steps)
            if not panel.has_data():
                panel.set_axis_off()
        panels[0].set_ylabel(row.title)

    def _limits(self, row: Row) -> tuple[float, float]:
        """Returns the scale that holds every loss type."""
        from matplotlib.figure import Figure as Canvas

        panel = Canvas().subplots()
        for loss in row.lines:
            row.draw(panel, loss, self.steps)
        return panel.get_ylim()


@dataclass(frozen=True)
class Key:
    """A legend: what its entries are called, how many letters a row holds, and a title where there are several."""

    handles: Mapping[str, Any]
    room: int
    title: str = ""

    @property
    def columns(self) -> int:
        """Entries side by side."""
        return max(1, self.room // (max(map(len, self.handles)) + KEY))

    @property
    def rows(self) -> int:
        """Lines that it takes."""
        return -(-len(self.handles) // self.columns) + bool(self.title)


def _keys(panels: Mapping[str, Sequence[Axes]], room: int) -> list[Key]:
    """Returns one key for all rows, or a key for each where one style means one thing here and another there."""
    rows = {title: _handles(row) for title, row in panels.items()}
    everything = {label: handle for handles in rows.values() for label, handle in handles.items()}
    styles = {(handle.get_color(), handle.get_linestyle()) for handle in everything.values()}
    if len(styles) < len(everything):
        return [Key(handles, room, title) for title, handles in rows.items() if handles]
    return [Key(everything, room)] if len(everything) > 1 else []


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
