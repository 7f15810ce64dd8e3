"""A drawing of what each axis does: the level means seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Axis, LevelMean
from ablate.report.document import Figure
from ablate.report.evidence import Measure
from ablate.report.numbers import joined
from ablate.report.svg import CARD, INK, SERIES, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR = SERIES[0][0]


def means_figure(
    axes: Sequence[Axis], measures: Sequence[Measure], means: Mapping[tuple[str, str], Sequence[LevelMean]]
) -> Figure:
    """Draws a row a metric and a column an axis: the mean of each level and each seed's line through them."""
    with drawing("means"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 0.5 + 1.9 * len(measures)), layout="constrained")
        widths = [max(2.0, len(axis.levels)) for axis in axes]
        grid = canvas.subplots(len(measures), len(axes), squeeze=False, sharey="row", sharex="col", width_ratios=widths)
        for row, measure in enumerate(measures):
            for column, axis in enumerate(axes):
                _panel(grid[row][column], means[axis.name, measure.name], axis)
                if not row:
                    grid[row][column].set_title(axis.name)
            grid[row][0].set_ylabel(f"{measure.label} ({measure.unit})" if measure.unit else measure.label)
        svg = to_svg(canvas)
    listed = joined([measure.label for measure in measures])
    return Figure(
        "means", svg, f"Marginal means of {listed} at each level of {joined([axis.name for axis in axes])}",
        "Large: marginal mean over seeds, ringed at the baseline level. Small: single seeds, joined where they are the "
        "same; lines that run alike mean that the seeds agree on the effect. Panels of a row share their scale.",
    )  # fmt: skip


def _panel(panel: Axes, means: Sequence[LevelMean], axis: Axis) -> None:
    import seaborn

    data: dict[str, list[Any]] = {"place": [], "value": [], "seed": []}
    for place, mean in enumerate(means):
        for seed, value in mean.by_seed.items():
            data["place"].append(place)
            data["value"].append(value)
            data["seed"].append(seed)
    if data["value"]:
        seaborn.lineplot(
            data, x="place", y="value", units="seed", estimator=None, color=COLOUR, alpha=0.55, linewidth=0.8,
            marker="o", markersize=3.5, markeredgewidth=0, ax=panel,
        )  # fmt: skip
    for place, mean in enumerate(means):
        if mean.interval:
            ring = INK if mean.level == axis.baseline else CARD
            look: dict[str, Any] = {"color": COLOUR, "markeredgecolor": ring, "markeredgewidth": 1.5, "markersize": 8}
            panel.plot(place, mean.interval.mean, "o", zorder=4, **look)
    panel.margins(y=0.15)
    panel.set_xlim(-0.5, len(axis.levels) - 0.5)
    panel.set_xticks(range(len(axis.levels)), axis.levels, rotation=90 if len(axis.levels) > 10 else 0)
    panel.set(xlabel="", ylabel="")
    panel.grid(False, axis="x")
