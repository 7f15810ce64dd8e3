"""How the trainings went: losses, what the discriminators know, which term steers, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Axis, CellRecord
from ablate.report.document import Block, Figure, Section, text
from ablate.report.evidence import Evidence
from ablate.report.sections.health import adversarial_loss, health, health_table
from ablate.report.svg import MUTED, SERIES, arrange, colours, drawing, to_svg

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

LINES = 12
"""Lines a panel may hold; where there are more arms, the mean at each level of one axis is drawn instead."""

COLUMNS = 5
"""Loss types side by side; the commonest ones are drawn where the grid has more."""

BESIDE = "added beside the axes"
LEGEND_WIDTH = 110
"""Letters, with their key, that a row of a legend has room for."""

STYLES = ("-", "--", ":", "-.")
TERMS = {"adversarial": SERIES[1][0], "distortion": SERIES[0][0], "feature_matching": SERIES[2][0]}

Line = tuple[str, str, str, Sequence[str]]
"""Label, colour, line style and the cells whose mean it is."""


def training(evidence: Evidence) -> Section:
    """Returns training curves as small multiples, one column a loss type, and a table of health."""
    groups = _by_loss(evidence)
    if not groups or not evidence.curves.values:
        said = text("No cell has ended yet, so there are no curves.")
        return Section("training", "Training", (said,), {"curves": []})
    numbers: list[dict[str, Any]] = []
    blocks: list[Block] = [_losses(evidence, groups, numbers)]
    if any(name.startswith("scale") for name in evidence.curves.values):
        blocks.append(_accuracy(evidence, groups, numbers))
    blocks.append(_gradients(evidence, groups, numbers))
    rows = health(evidence)
    blocks.append(health_table(rows))
    steps = evidence.curves.steps
    return Section("training", "Training", tuple(blocks), {"steps": steps, "curves": numbers, "health": rows})


def _by_loss(evidence: Evidence) -> dict[str, list[CellRecord]]:
    groups: dict[str, list[CellRecord]] = {}
    for cell in evidence.study.cells:
        if cell.status in ("done", "diverged"):
            groups.setdefault(adversarial_loss(cell), []).append(cell)
    if len(groups) > COLUMNS:
        largest = sorted(groups, key=lambda name: -len(groups[name]))[:COLUMNS]
        groups = {name: cells for name, cells in groups.items() if name in largest}
    return groups


def _lines(evidence: Evidence, cells: Sequence[CellRecord]) -> list[Line]:
    """Returns a line an arm, or a line a level of the first axis that is not the loss where arms are too many."""
    axes = [axis for axis in evidence.study.axes if "loss.adversarial" not in axis.keys]
    hue, style = [*axes, None, None][:2]
    arms = dict.fromkeys(cell.arm for cell in cells)
    if len(arms) > LINES:
        style = None
    palette = colours(hue.levels, hue.numbers is not None and len(hue.levels) > 2) if hue else {}
    groups: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        key = tuple(axis.level(cell.axes) or BESIDE if axis else "" for axis in (hue, style))
        groups.setdefault((key[0], key[1]), []).append(cell.id)
    return [
        (_label(hue, level, style, other), palette.get(level, MUTED), _style(style, other), ids)
        for (level, other), ids in groups.items()
    ]


def _label(hue: Axis | None, level: str, style: Axis | None, other: str) -> str:
    if BESIDE in (level, other):
        return BESIDE
    parts = [f"{axis.name} {value}" for axis, value in ((hue, level), (style, other)) if axis]
    return ", ".join(parts) or "all cells"


def _style(axis: Axis | None, level: str) -> str:
    return STYLES[axis.levels.index(level) % len(STYLES)] if axis and level in axis.levels else "-"


def _losses(evidence: Evidence, groups: Mapping[str, list[CellRecord]], numbers: list[dict[str, Any]]) -> Figure:
    rows = {
        "loss.distortion": "distortion", "loss.adversarial": "adversarial loss",
        "loss.discriminator": "discriminator loss", "steps_per_second": "steps / s",
    }  # fmt: skip
    rows = {quantity: title for quantity, title in rows.items() if quantity in evidence.curves.values}
    shared = ("loss.distortion", "steps_per_second")

    def paint(panel: Axes, quantity: str, cells: Sequence[CellRecord], loss: str) -> None:
        for label, colour, style, ids in _lines(evidence, cells):
            values = evidence.curves.mean(quantity, ids)
            _line(panel, evidence, values, colour, style, label)
            _note(numbers, loss, quantity, label, values)
        panel.margins(x=0.02)
        if quantity == "steps_per_second":
            panel.update_datalim([(evidence.curves.steps[0], 0)])
            panel.autoscale_view()

    svg = _multiples("losses", groups, rows, shared, paint)
    caption = (
        "Mean over the seeds of each arm"
        if max(len({cell.arm for cell in cells}) for cells in groups.values()) <= LINES
        else "Mean over all cells at each level of one axis, because the arms are too many to draw one by one"
    )
    caption += (
        "; a diverged cell counts up to where it stopped. Adversarial losses of different types have different scales: "
        "read their course, not their height."
    )
    return Figure("losses", svg, "Training losses and steps per second by loss type", caption)


def _accuracy(evidence: Evidence, groups: Mapping[str, list[CellRecord]], numbers: list[dict[str, Any]]) -> Figure:
    count = sum(f"scale{number}.accuracy_real" in evidence.curves.values for number in range(1, 6))
    rows = {
        f"scale{number}": f"scale {number}" + (" (finest)" if number == 1 else "") for number in range(1, count + 1)
    }

    def paint(panel: Axes, scale: str, cells: Sequence[CellRecord], loss: str) -> None:
        for side, (colour, _), style in (("real", SERIES[0], "-"), ("fake", SERIES[1], "--")):
            values = evidence.curves.mean(f"{scale}.accuracy_{side}", [cell.id for cell in cells])
            _line(panel, evidence, values, colour, style, "on photographs" if side == "real" else "on reconstructions")
            _note(numbers, loss, f"{scale}.accuracy_{side}", "all cells", values)
        panel.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        panel.set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))
        panel.margins(x=0.02)

    svg = _multiples("accuracy", groups, rows, tuple(rows), paint)
    caption = (
        "Share of patches that the discriminator of each scale judges rightly, mean over the cells that have it. "
        "At 0.5 (dotted) it guesses; at 1 on both sides it has won and the generator learns little from it."
    )
    return Figure(
        "accuracy", svg, "Discriminator accuracy on photographs and reconstructions by scale and loss type", caption
    )


def _gradients(evidence: Evidence, groups: Mapping[str, list[CellRecord]], numbers: list[dict[str, Any]]) -> Figure:
    def paint(panel: Axes, _: str, cells: Sequence[CellRecord], loss: str) -> None:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        for term, colour in TERMS.items():
            values = evidence.curves.mean(f"gradient_norm.{term}", [cell.id for cell in cells])
            if values is not None and (values > 0).any():
                _line(panel, evidence, values, colour, "-", term.replace("_", " "))
                _note(numbers, loss, f"gradient_norm.{term}", "all cells", values)
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.margins(x=0.02)

    svg = _multiples("gradients", groups, {"gradients": "gradient norm"}, ("gradients",), paint, height=2.6)
    caption = (
        "Norm of each weighted term's gradient at the reconstruction, mean over cells: the term on top steers the "
        "codec. Logarithmic."
    )
    return Figure("gradients", svg, "Gradient norm of each loss term at the reconstruction by loss type", caption)


def _multiples(
    name: str, groups: Mapping[str, list[CellRecord]], rows: Mapping[str, str], shared: Sequence[str],
    paint: Callable[[Axes, str, Sequence[CellRecord], str], None], height: float = 1.75,
) -> str:  # fmt: skip
    """Draws rows of quantities by columns of loss types, with one legend for all."""
    with drawing(name):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas()
        grid = canvas.subplots(len(rows), len(groups), squeeze=False, sharex=True)
        for row, (quantity, title) in enumerate(rows.items()):
            for column, (loss, cells) in enumerate(groups.items()):
                panel = grid[row][column]
                if column and quantity in shared:
                    panel.sharey(grid[row][0])
                    panel.tick_params(labelleft=False)
                paint(panel, quantity, cells, loss)
                if not row:
                    panel.set_title(loss)
                if row == len(rows) - 1:
                    panel.set_xlabel("step")
            grid[row][0].set_ylabel(title)
        bottom = 0.6 + 0.2 * _legend(canvas, grid)
        canvas.set_size_inches(11, 0.3 + height * len(rows) + bottom)
        arrange(canvas, left=0.8, right=0.1, top=0.3, bottom=bottom, across=0.5, down=0.18)
        return to_svg(canvas)


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


def _line(panel: Axes, evidence: Evidence, values: np.ndarray | None, colour: str, style: str, label: str) -> None:
    if values is not None:
        panel.plot(evidence.curves.steps, values, color=colour, linestyle=style, label=label)


def _note(numbers: list[dict[str, Any]], loss: str, quantity: str, label: str, values: np.ndarray | None) -> None:
    if values is not None:
        numbers.append({"loss": loss, "quantity": quantity, "line": label, "values": values})
