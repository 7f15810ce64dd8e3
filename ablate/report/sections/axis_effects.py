"""Effect of each axis: the mean at every level, and paired differences to the baseline level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ablate.analysis import Axis, Contrast, Effect, LevelMean, effects, level_means
from ablate.metrics import Metric
from ablate.report.claims import verdict
from ablate.report.document import Block, Figure, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.figures import Style, axis_title, draw
from ablate.report.numbers import fixed, interval, joined
from ablate.report.sections.section import Content, section
from ablate.report.svg import CARD, INK, SERIES
from ablate.report.tables import number, numbers, part, scores, table, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN = ("psnr", "fd_", "bpp_actual")
"""Metrics of the figure beside the primary ones: those whose names begin like this."""

MEAN = Style(SERIES[0][0])

HOW = (
    "A difference compares cells that agree in everything but this axis, seed by seed; its {} t-interval is over "
    "seeds. A marginal mean moves when cells are missing; a difference does not."
)

Means = Mapping[tuple[str, str], Sequence[LevelMean]]
"""Axis and metric -> the mean at each level."""


@dataclass(frozen=True)
class Row:
    """A level with all that is known of it, by metric."""

    place: int
    level: str
    means: Mapping[str, LevelMean]
    effects: Mapping[str, Effect]
    contrasts: Mapping[str, Contrast]

    @property
    def seeds(self) -> int:
        """The seeds that have finished at this level."""
        return max((len(mean.by_seed) for mean in self.means.values()), default=0)


@section("effects", "Effect of each axis", "Effects", summary="The mean of each level over all other settings")
def axis_effects(evidence: Evidence) -> Content:
    """Returns a figure of all axes and a table for each."""
    study, metrics = evidence.study, evidence.varying
    if not study.axes or not evidence.finished:
        nothing = "Nothing varies in this grid but the seed" if not study.axes else "No cell has finished"
        said = text(f"{nothing}, so there is no effect to estimate.")
        return [said], {"axes": [], "level_means": [], "effects": []}
    found = {metric.name: effects(study, metric.name) for metric in metrics}
    means = {
        (axis.name, metric.name): level_means(study, axis, metric.name) for axis in study.axes for metric in metrics
    }
    blocks: list[Block] = [text(HOW.format(evidence.confidence))]
    drawn = [m for m in metrics if m in evidence.primary or m.name.startswith(DRAWN)]
    if drawn:
        blocks.append(_figure(study.axes, drawn, means))
    judged = {name: [replace(each, interval=evidence.interval(each)) for each in own] for name, own in found.items()}
    blocks += [_table(axis, metrics, means, judged, evidence.contrasts) for axis in study.axes]
    data = {
        "axes": [asdict(axis) for axis in study.axes],
        "level_means": [asdict(mean) for each in means.values() for mean in each],
        "effects": [asdict(effect) for each in found.values() for effect in each],
    }
    return blocks, data


def _figure(axes: Sequence[Axis], metrics: Sequence[Metric], means: Means) -> Figure:
    """Draws a row a metric and a column an axis: the mean of each level and each seed's line through them."""
    with draw("means", 0.5 + 1.9 * len(metrics)) as drawn:
        widths = [max(2.0, len(axis.levels)) for axis in axes]
        grid = drawn.canvas.subplots(
            len(metrics), len(axes), squeeze=False, sharey="row", sharex="col", width_ratios=widths
        )
        for row, metric in enumerate(metrics):
            for column, axis in enumerate(axes):
                _panel(grid[row][column], means[axis.name, metric.name], axis)
                if not row:
                    grid[row][column].set_title(axis.name)
            grid[row][0].set_ylabel(axis_title(metric))
        listed = joined([metric.label for metric in metrics])
        return drawn.figure(
            f"Marginal means of {listed} at each level of {joined([axis.name for axis in axes])}",
            "Large: marginal mean over seeds, ringed at the baseline level. Small: single seeds, joined: lines that "
            "run alike agree on the effect.",
        )


def _panel(panel: Axes, means: Sequence[LevelMean], axis: Axis) -> None:
    for seed in dict.fromkeys(seed for mean in means for seed in mean.by_seed):
        line = [(place, mean.by_seed[seed]) for place, mean in enumerate(means) if seed in mean.by_seed]
        panel.plot(*zip(*line, strict=True), "o-", color=MEAN.colour, alpha=0.55, linewidth=0.8, markersize=3.5,
                   markeredgewidth=0)  # fmt: skip
    for place, mean in enumerate(means):
        if mean.interval:
            panel.plot(
                place, mean.interval.mean, zorder=4, **MEAN.drawn(8, INK if mean.level == axis.baseline else CARD)
            )
    panel.margins(y=0.15)
    panel.set_xlim(-0.5, len(axis.levels) - 0.5)
    panel.set_xticks(range(len(axis.levels)), axis.levels, rotation=90 if len(axis.levels) > 10 else 0)
    panel.set(xlabel="", ylabel="")
    panel.grid(False, axis="x")


def _table(
    axis: Axis,
    metrics: Sequence[Metric],
    means: Means,
    found: Mapping[str, Sequence[Effect]],
    contrasts: Mapping[str, Sequence[Contrast]],
) -> Table:
    rows = [
        Row(
            place, level, {metric.name: means[axis.name, metric.name][place] for metric in metrics},
            {name: each for name, own in found.items() for each in own if each.key == (axis.name, level)},
            {name: each for name, own in contrasts.items() for each in own if each.effect.key == (axis.name, level)},
        )
        for place, level in enumerate(axis.levels)
    ]  # fmt: skip

    def done(row: Row) -> Value:
        counted = max(row.means.values(), key=lambda mean: mean.cells, default=None)
        return part(counted.cells, counted.planned) if counted else number(None)

    caption = f"Marginal mean; below it the paired difference to {axis.baseline} with its interval over the n seeds."
    pairs = [effect for each in found.values() for effect in each if effect.axis == axis.name]
    if any(effect.pairs < effect.planned_pairs for effect in pairs):
        fewest = min(pairs, key=lambda effect: effect.pairs / max(effect.planned_pairs, 1))
        counts = f"{fewest.pairs} of {fewest.planned_pairs}"
        caption += f" Some pairs are missing (at worst {counts} are there, at {fewest.level})."
    return table(
        f"effects-{'-'.join(axis.keys)}", axis.name, rows,
        words(axis.name, lambda row: Value(
            f"{row.level} (baseline)" if row.level == axis.baseline else row.level, sort=row.place
        )),
        numbers("done", done),
        numbers("n", lambda row: row.seeds, hint="seeds"),
        *scores(metrics, _mean),
        caption=caption,
    )  # fmt: skip


def _mean(row: Row, metric: Metric) -> Value:
    """Writes a level's mean above its difference to the baseline level."""
    own, effect, contrast = row.means[metric.name], row.effects.get(metric.name), row.contrasts.get(metric.name)
    mean = own.interval.mean if own.interval else None
    if mean is None or effect is None:
        return number(mean, metric.decimals)
    if effect.interval is None:
        return number(mean, metric.decimals, "no pairs")
    gap = fixed(effect.interval.mean, metric.decimals, signed=True)
    below = f"{gap} {interval(effect.interval, metric.decimals)}"
    if not below.strip(" 0.[],"):
        return number(mean, metric.decimals, "no difference")
    if effect.interval.n != row.seeds:
        below += f", n = {effect.interval.n}"
    if contrast is not None and contrast.verdict != "inconclusive":
        below += f", {verdict(contrast)}"
    return number(mean, metric.decimals, below)
