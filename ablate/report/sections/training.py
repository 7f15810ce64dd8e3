"""How the trainings went: losses, what the discriminators know, which term steers, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Axis, CellRecord
from ablate.report.document import Block, Column, Figure, Section, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed
from ablate.report.svg import MUTED, SERIES, colours, drawing, to_svg

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

LINES = 12
"""Lines a panel may hold; where there are more arms, the mean at each level of one axis is drawn instead."""

COLUMNS = 5
"""Loss types side by side; the commonest ones are drawn where the grid has more."""

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
    health = _health(evidence)
    blocks.append(_health_table(health))
    steps = evidence.curves.steps
    return Section("training", "Training", tuple(blocks), {"steps": steps, "curves": numbers, "health": health})


def _by_loss(evidence: Evidence) -> dict[str, list[CellRecord]]:
    groups: dict[str, list[CellRecord]] = {}
    for cell in evidence.study.cells:
        if cell.status in ("done", "diverged"):
            groups.setdefault(_loss(cell), []).append(cell)
    if len(groups) > COLUMNS:
        largest = sorted(groups, key=lambda name: -len(groups[name]))[:COLUMNS]
        groups = {name: cells for name, cells in groups.items() if name in largest}
    return groups


def _loss(cell: CellRecord) -> str:
    adversarial = cell.config.get("loss", {}).get("adversarial", "none")
    return str(adversarial["name"] if isinstance(adversarial, Mapping) else adversarial)


def _lines(evidence: Evidence, cells: Sequence[CellRecord]) -> list[Line]:
    """Returns a line an arm, or a line a level of the first axis that is not the loss where arms are too many."""
    axes = [axis for axis in evidence.study.axes if "loss.adversarial" not in axis.keys]
    hue, style = (axes + [None, None])[:2] if axes else (None, None)
    arms = dict.fromkeys(cell.arm for cell in cells)
    if len(arms) > LINES:
        style = None
    palette = colours(hue.levels, hue.numbers is not None and len(hue.levels) > 2) if hue else {}
    groups: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        key = tuple(axis.level(cell.axes) or "beside" if axis else "" for axis in (hue, style))
        groups.setdefault((key[0], key[1]), []).append(cell.id)
    return [
        (_label(hue, level, style, other), palette.get(level, MUTED), _style(style, other), ids)
        for (level, other), ids in groups.items()
    ]


def _label(hue: Axis | None, level: str, style: Axis | None, other: str) -> str:
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
            panel.set_ylim(bottom=0)

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
    rows = {f"scale{number}": f"scale {number}" + (" (finest)" if number == 1 else "") for number in range(1, count + 1)}

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
        "Share of patches that the discriminator of each scale judges rightly, mean over the cells that have the scale. "
        "At 0.5 (dotted) it guesses; at 1 on both sides it has won and the generator learns little from it."
    )
    return Figure("accuracy", svg, "Discriminator accuracy on photographs and reconstructions by scale and loss type", caption)


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
        "Norm of each weighted term's gradient at the reconstruction, mean over cells: the term on top steers the codec. "
        "Logarithmic."
    )
    return Figure("gradients", svg, "Gradient norm of each loss term at the reconstruction by loss type", caption)


def _multiples(
    name: str, groups: Mapping[str, list[CellRecord]], rows: Mapping[str, str], shared: Sequence[str],
    paint: Callable[[Axes, str, Sequence[CellRecord], str], None], height: float = 1.75,
) -> str:  # fmt: skip
    """Draws rows of quantities by columns of loss types, with one legend for all."""
    with drawing(name):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 0.6 + height * len(rows)), layout="constrained")
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
        _legend(canvas, grid)
        return to_svg(canvas)


def _legend(canvas: Canvas, grid: Sequence[Sequence[Axes]]) -> None:
    handles: dict[str, Any] = {}
    for panels in grid:
        for panel in panels:
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
    if len(handles) > 1:
        canvas.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=min(len(handles), 4))


def _line(
    panel: Axes, evidence: Evidence, values: np.ndarray | None, colour: str, style: str, label: str
) -> None:
    if values is not None:
        panel.plot(evidence.curves.steps, values, color=colour, linestyle=style, label=label)


def _note(numbers: list[dict[str, Any]], loss: str, quantity: str, label: str, values: np.ndarray | None) -> None:
    if values is not None:
        numbers.append({"loss": loss, "quantity": quantity, "line": label, "values": values})


def _health(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns one row a loss type: outcomes, events, and where training stood at its last log point."""
    rows = []
    groups: dict[str, list[CellRecord]] = {}
    for cell in evidence.study.cells:
        groups.setdefault(_loss(cell), []).append(cell)
    for loss, cells in groups.items():
        ended = [cell for cell in cells if cell.status in ("done", "diverged")]
        events = Counter(event["kind"] for cell in ended for event in evidence.store.cell(cell.id).events())
        ids = [cell.id for cell in cells if cell.status == "done"]
        last = {name: _last(evidence, name, ids) for name in ("scale1.accuracy_real", "scale1.accuracy_fake")}
        terms = [_last(evidence, f"gradient_norm.{term}", ids) for term in ("adversarial", "distortion")]
        ratio = terms[0] / terms[1] if terms[0] is not None and terms[1] else None
        used = [value for cell in cells if (value := cell.score("levels_used")) is not None]
        dead = [value for cell in cells if (value := cell.score("dead_channels")) is not None]
        rows.append(
            {
                "loss": loss, "ended": len(ended), "diverged": sum(cell.status == "diverged" for cell in cells),
                "events": dict(events), **last, "adversarial_to_distortion": ratio,
                "levels_used": min(used, default=None), "dead_channels": max(dead, default=None),
            }
        )  # fmt: skip
    return rows


def _last(evidence: Evidence, quantity: str, ids: Sequence[str]) -> float | None:
    import numpy as np

    values = evidence.curves.mean(quantity, ids)
    finite = values[np.isfinite(values)] if values is not None else []
    return float(finite[-1]) if len(finite) else None


def _health_table(health: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for row in health:
        events = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(row["events"].items()))
        diverged = f"{row['diverged']} of {row['ended']}"
        rows.append(
            (
                Value(row["loss"], sort=row["loss"]),
                Value(diverged, sort=row["diverged"], tone="bad" if row["diverged"] else "plain"),
                *(_number(row[f"scale1.accuracy_{side}"], 2) for side in ("real", "fake")),
                _number(row["adversarial_to_distortion"], 2),
                Value(NONE if row["levels_used"] is None else f"{row['levels_used']}", sort=row["levels_used"]),
                Value(NONE if row["dead_channels"] is None else f"{row['dead_channels']}", sort=row["dead_channels"]),
                Value(events or "none"),
            )
        )
    columns = (
        Column("loss type", numeric=False), Column("diverged"), Column("right on photos"),
        Column("right on fakes"), Column("adv. : dist."), Column("levels used"),
        Column("dead channels"), Column("events", numeric=False),
    )  # fmt: skip
    caption = (
        "At the last log point, mean over finished cells: share of photographs and of reconstructions "
        "that the finest discriminator judges rightly, and how much larger the adversarial gradient is than the distortion's. "
        "Of the measured codecs: the fewest quantizer levels used and the most channels that hold one symbol throughout."
    )
    return Table("health", "Health by loss type", columns, tuple(rows), caption)


def _number(value: float | None, decimals: int) -> Value:
    return Value(fixed(value, decimals), sort=value, tone="muted" if value is None else "plain")
