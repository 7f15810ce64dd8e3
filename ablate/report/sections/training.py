"""How the trainings went: losses, what the discriminators know, which term steers, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ablate.analysis import Axis
from ablate.records import CellRecord
from ablate.report.document import Block, Figure, Section, text
from ablate.report.evidence import Evidence
from ablate.report.figures import plain_numbers
from ablate.report.sections.events import event_blocks
from ablate.report.sections.health import adversarial_loss, health, health_table
from ablate.report.small_multiples import MOST, Groups, SmallMultiples, largest
from ablate.report.styles import BESIDE
from ablate.report.svg import LINE_STYLES, MUTED, SERIES, colours, rounds

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

LINES = 12
"""Lines a panel may hold; where there are more arms, the mean at each level of one axis is drawn instead."""

SHADED = 4
"""Lines up to which a panel shows the range over seeds behind each."""

TERMS = {"adversarial": SERIES[1][0], "distortion": SERIES[0][0], "feature_matching": SERIES[2][0]}
RATIO = ("gradient_norm.adversarial", "gradient_norm.distortion")


@dataclass(frozen=True)
class Line:
    """What a line stands for, and the cells whose mean it is."""

    label: str
    colour: str
    style: str
    cells: Sequence[str]
    arms: int


@dataclass
class Painter:
    """Draws training curves into panels and notes the numbers of each line once."""

    evidence: Evidence
    noted: dict[tuple[str, str, str], np.ndarray] = field(default_factory=dict)

    def losses(self, panel: Axes, quantity: str, cells: Sequence[CellRecord], loss: str) -> None:
        """Draws a line an arm."""
        lines = _lines(self.evidence, cells)
        for line in lines:
            values = self.evidence.curves.mean(quantity, line.cells)
            self._line(panel, values, line.colour, line.style, line.label, (loss, quantity, line.label))
            if len(lines) <= SHADED:
                self._range(panel, quantity, line)
        panel.margins(x=0.02)
        if quantity == "steps_per_second":
            panel.update_datalim([(self.evidence.curves.steps[0], 0)])
            panel.autoscale_view()

    def accuracy(self, panel: Axes, scale: str, cells: Sequence[CellRecord], loss: str) -> None:
        """Draws how often the discriminator of a scale is right, on photographs and on reconstructions."""
        ids = [cell.id for cell in cells]
        for side, (colour, _), style in (("real", SERIES[0], "-"), ("fake", SERIES[1], "--")):
            quantity = f"{scale}.accuracy_{side}"
            label = "on photographs" if side == "real" else "on reconstructions"
            values = self.evidence.curves.mean(quantity, ids)
            self._line(panel, values, colour, style, label, (loss, quantity, "all cells"))
        panel.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        panel.set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))
        panel.margins(x=0.02)

    def gradients(self, panel: Axes, row: str, cells: Sequence[CellRecord], loss: str) -> None:
        """Draws the norm of each term's gradient, or the adversarial one's ratio to the distortion's."""
        if row == "norms":
            ids = [cell.id for cell in cells]
            for term, colour in TERMS.items():
                quantity = f"gradient_norm.{term}"
                values = self.evidence.curves.mean(quantity, ids)
                if values is not None and (values > 0).any():
                    self._line(panel, values, colour, "-", term.replace("_", " "), (loss, quantity, "all cells"))
        else:
            lines = _lines(self.evidence, cells)
            for line in lines:
                values = _ratio(self.evidence, line.cells)
                colour = line.colour if len(lines) > 1 else SERIES[3][0]
                label = line.label if len(lines) > 1 else "adversarial : distortion"
                self._line(panel, values, colour, line.style, label, (loss, "gradient ratio", line.label))
            if panel.has_data():
                panel.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
        panel.set_yscale("log")
        plain_numbers(panel.yaxis, subs=(1, 2, 5), most=8)
        panel.margins(x=0.02)

    def numbers(self) -> list[dict[str, Any]]:
        """Returns every line that was drawn."""
        return [
            {"loss": loss, "quantity": quantity, "line": line, "values": values}
            for (loss, quantity, line), values in self.noted.items()
        ]

    def _line(
        self, panel: Axes, values: np.ndarray | None, colour: str, style: str, label: str, name: tuple[str, str, str]
    ) -> None:  # fmt: skip
        if values is not None:
            panel.plot(self.evidence.curves.steps, values, color=colour, linestyle=style, label=label)
            self.noted[name] = values

    def _range(self, panel: Axes, quantity: str, line: Line) -> None:
        import numpy as np

        logged = self.evidence.curves.values[quantity]
        found = np.array([logged[cell] for cell in line.cells if cell in logged])
        if len(found) > 1:
            steps = self.evidence.curves.steps
            known = ~np.isnan(found).all(axis=0)
            low, high = np.nanmin(found[:, known], axis=0), np.nanmax(found[:, known], axis=0)
            panel.fill_between(steps[known], low, high, color=line.colour, alpha=0.13, linewidth=0)


def training(evidence: Evidence) -> Section:
    """Returns training curves as small multiples, one column a loss type, what went wrong, and a table of health."""
    everything = _by_loss(evidence)
    if not everything or not evidence.curves.values:
        said = text("No cell has ended yet, so there are no curves.")
        return Section("training", "Training", (said,), {"curves": []})
    groups, painter = largest(everything), Painter(evidence)
    rows = health(evidence)
    blocks: list[Block] = [*event_blocks(evidence), health_table(rows)]
    if len(groups) < len(everything):
        blocks.append(text(f"Curves of the {MOST} commonest of {len(everything)} loss types.", kind="note"))
    blocks += [*_losses(evidence, groups, painter), *_accuracy(evidence, groups, painter)]
    blocks += _gradients(groups, painter)
    numbers = {"steps": evidence.curves.steps, "curves": painter.numbers(), "health": rows}
    return Section("training", "Training", tuple(blocks), numbers)


def _by_loss(evidence: Evidence) -> dict[str, list[CellRecord]]:
    groups: dict[str, list[CellRecord]] = {}
    for cell in evidence.study.cells:
        if cell.status in ("done", "diverged"):
            groups.setdefault(adversarial_loss(cell), []).append(cell)
    return groups


def _lines(evidence: Evidence, cells: Sequence[CellRecord]) -> list[Line]:
    """Returns a line for each level of two axes that are not the loss, of the first one where arms are too many."""
    axes = [axis for axis in evidence.study.axes if "loss.adversarial" not in axis.keys]
    hue, style = [*axes, None, None][:2]
    if len(dict.fromkeys(cell.arm for cell in cells)) > LINES:
        style = None
    elif hue and style and len(style.levels) > len(LINE_STYLES):
        hue, style = style, hue
    ordered = hue is not None and hue.numbers is not None and len(hue.levels) > 2
    palette = colours(hue.levels, ordered) if hue else {"": SERIES[0][0]}
    turns = rounds(hue.levels, ordered) if hue else {}
    groups: dict[tuple[str, str], list[CellRecord]] = {}
    for cell in cells:
        key = tuple(axis.level(cell.axes) or BESIDE if axis else "" for axis in (hue, style))
        groups.setdefault((key[0], key[1]), []).append(cell)
    return [
        Line(
            _label(hue, level, style, other), palette.get(level, MUTED), _style(turns, level, style, other),
            [cell.id for cell in found], len({cell.arm for cell in found}),
        )
        for (level, other), found in groups.items()
    ]  # fmt: skip


def _label(hue: Axis | None, level: str, style: Axis | None, other: str) -> str:
    if BESIDE in (level, other):
        return BESIDE
    parts = [f"{axis.name} {value}" for axis, value in ((hue, level), (style, other)) if axis]
    return ", ".join(parts) or "all cells"


def _style(turns: Mapping[str, int], level: str, style: Axis | None, other: str) -> str:
    """Returns the line style of a level of `style` and, where the hues have begun again, of the colour's level."""
    place = style.levels.index(other) if style and other in style.levels else 0
    return LINE_STYLES[(place * (max(turns.values(), default=0) + 1) + turns.get(level, 0)) % len(LINE_STYLES)]


def _losses(evidence: Evidence, groups: Groups, painter: Painter) -> Iterator[Figure]:
    rows = {
        "loss.distortion": "distortion", "loss.adversarial": "adversarial loss",
        "loss.discriminator": "discriminator loss", "steps_per_second": "steps / s",
    }  # fmt: skip
    pooled = any(line.arms > 1 for cells in groups.values() for line in _lines(evidence, cells))
    caption = "Mean over all cells that the key names alike" if pooled else "Mean over the seeds of each arm"
    if max(len({cell.arm for cell in cells}) for cells in groups.values()) > LINES:
        caption += ", because the arms are too many to draw one by one"
    caption += (
        ", shaded from the lowest to the highest where lines are few; a diverged cell counts up to where it stopped. "
        "Adversarial losses of different types have different scales: read their course, not their height."
    )
    return SmallMultiples(
        "losses", {quantity: title for quantity, title in rows.items() if quantity in evidence.curves.values},
        ("loss.distortion", "steps_per_second"), "Training losses and steps per second by loss type", caption,
    ).figures(groups, painter.losses)  # fmt: skip


def _accuracy(evidence: Evidence, groups: Groups, painter: Painter) -> Iterator[Figure]:
    count = sum(f"scale{number}.accuracy_real" in evidence.curves.values for number in range(1, 6))
    if not count:
        return iter(())
    rows = {
        f"scale{number}": f"scale {number}" + (" (finest)" if number == 1 else "") for number in range(1, count + 1)
    }
    judged = {loss: cells for loss, cells in groups.items() if loss != "none"}
    caption = (
        "Share of patches that the discriminator of each scale judges rightly, mean over the cells that have it. "
        "At 0.5 (dotted) it guesses; at 1 on both sides it has won and the generator learns little from it."
    )
    alternative = "Discriminator accuracy on photographs and reconstructions by scale and loss type"
    return SmallMultiples("accuracy", rows, tuple(rows), alternative, caption, 1.3).figures(judged, painter.accuracy)


def _gradients(groups: Groups, painter: Painter) -> Iterator[Figure]:
    judged = any(_ratio(painter.evidence, [cell.id for cell in cells]) is not None for cells in groups.values())
    rows = {"norms": "gradient norm"} | ({"ratio": "adv. : distortion"} if judged else {})
    caption = (
        "Above: norm of each weighted term's gradient at the reconstruction, mean over cells; the term on top steers "
        "the codec. Below: the adversarial term's norm divided by the distortion's, geometric mean over seeds; above 1 "
        "(dotted) the adversarial loss pulls harder than fidelity. Logarithmic."
    )
    return SmallMultiples(
        "gradients", rows, tuple(rows), "Gradient norm of each loss term and their ratio by loss type", caption, 2.1
    ).figures(groups, painter.gradients)


def _ratio(evidence: Evidence, cells: Sequence[str]) -> np.ndarray | None:
    """Returns the geometric mean over cells of the adversarial gradient's ratio to the distortion's."""
    import numpy as np

    own, other = (evidence.curves.values.get(quantity, {}) for quantity in RATIO)
    pairs = [(own[cell], other[cell]) for cell in cells if cell in own and cell in other]
    if not pairs:
        return None
    over, under = np.array(pairs).swapaxes(0, 1)
    known = (over > 0) & (under > 0)
    logs = np.log(over, out=np.zeros_like(over), where=known) - np.log(under, out=np.zeros_like(over), where=known)
    count = known.sum(axis=0)
    if not count.any():
        return None
    return np.where(count > 0, np.exp((logs * known).sum(axis=0) / np.maximum(count, 1)), np.nan)
