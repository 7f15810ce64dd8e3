"""Course of the trainings: losses, accuracy of the discriminators, gradients of each term, and events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.records import CellRecord
from ablate.report.document import Block, text
from ablate.report.evidence import Evidence
from ablate.report.figures import plain_numbers
from ablate.report.sections.events import event_blocks
from ablate.report.sections.section import Content, section
from ablate.report.sections.telemetry import telemetry, telemetry_table
from ablate.report.small_multiples import Line, Row, SmallMultiples
from ablate.report.styles import BESIDE, LineStyle, line_style
from ablate.report.svg import LINE_STYLES, MUTED, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 24
"""Loss types that are drawn at most; those with the most cells are."""

LINES = 12
"""Lines a panel may hold; where there are more arms, the mean at each level of one axis is drawn instead."""

SHADED = 4
"""Lines up to which a panel shows the range over seeds behind each."""

LOSSES = {
    "loss.distortion": "distortion", "loss.adversarial": "adversarial loss",
    "loss.discriminator": "discriminator loss", "steps_per_second": "steps / s",
}  # fmt: skip
COMPARABLE = ("loss.distortion", "steps_per_second")
"""Quantities with one scale for all loss types."""

SIDES = (("real", "on real images", SERIES[0][0], "-"), ("fake", "on reconstructions", SERIES[1][0], "--"))
TERMS = {"adversarial": SERIES[1][0], "distortion": SERIES[0][0], "feature_matching": SERIES[2][0]}
RATIO = ("gradient_norm.adversarial", "gradient_norm.distortion")


@dataclass(frozen=True)
class Bundle:
    """Cells of one loss type whose mean is a line."""

    label: str
    style: LineStyle
    cells: Sequence[str]
    arms: int


@section("training", "Training", summary="Losses, gradients and discriminators over the steps, and events")
def training(evidence: Evidence) -> Content:
    """Returns training curves as small multiples, one column a loss type, what went wrong, and a table of telemetry."""
    everything = evidence.followed
    if not everything or not evidence.curves.values:
        said = text("No cell has ended yet, so there are no curves.")
        return [said], {"curves": []}
    common = sorted(everything, key=lambda loss: -len(everything[loss]))[:MOST]
    groups = {loss: cells for loss, cells in everything.items() if loss in common}
    rows = telemetry(evidence)
    blocks: list[Block] = [*event_blocks(evidence), telemetry_table(rows)]
    if len(groups) < len(everything):
        blocks.append(text(f"Curves of the {MOST} commonest of {len(everything)} loss types.", kind="note"))
    drawn = (_losses(evidence, groups), _accuracy(evidence, groups), _gradients(evidence, groups))
    blocks += [figure for each in drawn for figure in each.figures()]
    curves = [line for each in drawn for line in each.numbers()]
    data = {"steps": evidence.curves.steps, "curves": curves, "health": rows}
    return blocks, data


def _bundles(evidence: Evidence, cells: Sequence[CellRecord]) -> list[Bundle]:
    """Returns a line for each level of two axes that are not the loss, of the first one where arms are too many."""
    axes = [axis for axis in evidence.study.axes if "loss.adversarial" not in axis.keys][:2]
    if len(dict.fromkeys(cell.arm for cell in cells)) > LINES:
        axes = axes[:1]
    elif len(axes) == 2 and len(axes[1].levels) > len(LINE_STYLES):
        axes.reverse()
    groups: dict[tuple[str, ...], list[CellRecord]] = {}
    on_axes = evidence.study.on_axes_at
    for cell in cells:
        at = [axis.level(cell.axes) or BESIDE for axis in axes] if on_axes(cell.axes) else [BESIDE] * len(axes)
        groups.setdefault(tuple(at), []).append(cell)
    found = []
    for levels, own in groups.items():
        label = ", ".join(f"{axis.name} {level}" for axis, level in zip(axes, levels, strict=True)) or "all cells"
        arms = len({cell.arm for cell in own})
        ids = [cell.id for cell in own]
        found.append(Bundle(BESIDE if BESIDE in levels else label, line_style(axes, levels), ids, arms))
    return found


def _losses(evidence: Evidence, groups: Mapping[str, Sequence[CellRecord]]) -> SmallMultiples:
    curves = evidence.curves
    bundles = {loss: _bundles(evidence, cells) for loss, cells in groups.items()}

    def lines(quantity: str, own: Sequence[Bundle]) -> Iterator[Line]:
        for each in own:
            values = curves.mean(quantity, each.cells)
            limits = curves.limits(quantity, each.cells) if len(own) <= SHADED else None
            if values is not None:
                style = each.style
                yield Line(quantity, each.label, values, style.colour, style.line, limits, each.label)

    def from_zero(panel: Axes) -> None:
        panel.update_datalim([(curves.steps[0], 0)])
        panel.autoscale_view()

    rows = [
        Row(
            title, {loss: list(lines(quantity, own)) for loss, own in bundles.items()},
            from_zero if quantity == "steps_per_second" else None, quantity in COMPARABLE,
        )
        for quantity, title in LOSSES.items() if quantity in curves.values
    ]  # fmt: skip
    # The caption says what a line is the mean of.
    pooled = any(each.arms > 1 for own in bundles.values() for each in own)
    caption = "Mean over all cells that the key names alike" if pooled else "Mean over the seeds of each arm"
    if max(len({cell.arm for cell in cells}) for cells in groups.values()) > LINES:
        caption += ", because the arms are too many to draw one by one"
    caption += (
        ", shaded over their range where lines are few. Losses of different types have different scales: read their "
        "course, not their height."
    )
    alternative = "Training losses and steps per second by loss type"
    return SmallMultiples("losses", rows, curves.steps, alternative, caption)


def _accuracy(evidence: Evidence, groups: Mapping[str, Sequence[CellRecord]]) -> SmallMultiples:
    curves = evidence.curves

    def lines(scale: int, cells: Iterable[CellRecord]) -> Iterator[Line]:
        """Goes through how often the discriminator of a scale is right."""
        for side, label, colour, style in SIDES:
            quantity = f"scale{scale}.accuracy_{side}"
            values = curves.mean(quantity, [cell.id for cell in cells])
            if values is not None:
                yield Line(quantity, label, values, colour, style)

    def dress(panel: Axes) -> None:
        panel.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        panel.set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))

    scales = [scale for scale in range(1, 6) if f"scale{scale}.accuracy_real" in curves.values]
    rows = [
        Row(
            f"scale {scale}" + (" (finest)" if scale == 1 else ""),
            {loss: list(lines(scale, cells)) for loss, cells in groups.items() if loss != "none"}, dress,
        )
        for scale in scales
    ]  # fmt: skip
    alternative = "Discriminator accuracy on real images and reconstructions by scale and loss type"
    return SmallMultiples(
        "accuracy", rows, curves.steps, alternative,
        "Share of patches that the discriminator of each scale judges rightly. At 0.5 (dotted) it guesses; at 1 on "
        "both sides it has won.", 1.3,
    )  # fmt: skip


def _gradients(evidence: Evidence, groups: Mapping[str, Sequence[CellRecord]]) -> SmallMultiples:
    curves = evidence.curves

    def norms(cells: Sequence[CellRecord]) -> Iterator[Line]:
        for term, colour in TERMS.items():
            values = curves.mean(f"gradient_norm.{term}", [cell.id for cell in cells])
            if values is not None and (values > 0).any():
                yield Line(f"gradient_norm.{term}", term.replace("_", " "), values, colour)

    def ratios(cells: Sequence[CellRecord]) -> Iterator[Line]:
        """Goes through the adversarial term's norm divided by the distortion's."""
        bundles = _bundles(evidence, cells)
        for each in bundles:
            values = curves.ratio(*RATIO, each.cells)
            label, colour = each.label, each.style.colour
            if len(bundles) == 1:
                label, colour = "adversarial : distortion", SERIES[3][0]
            if values is not None:
                yield Line("gradient ratio", label, values, colour, each.style.line, called=each.label)

    def logarithmic(panel: Axes) -> None:
        panel.set_yscale("log")
        plain_numbers(panel.yaxis, subs=(1, 2, 5), most=8)

    def around_one(panel: Axes) -> None:
        if panel.has_data():
            panel.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
        logarithmic(panel)

    rows = [Row("gradient norm", {loss: list(norms(cells)) for loss, cells in groups.items()}, logarithmic)]
    ratio = {loss: list(ratios(cells)) for loss, cells in groups.items()}
    rows += [Row("adv. : distortion", ratio, around_one)] if any(ratio.values()) else []
    return SmallMultiples(
        "gradients", rows, curves.steps, "Gradient norm of each loss term and their ratio by loss type",
        "Above: norm of each weighted term's gradient at the reconstruction. Below: the adversarial term's norm "
        "divided by the distortion's; above 1 (dotted) it pulls harder than fidelity.", 2.1,
    )  # fmt: skip
