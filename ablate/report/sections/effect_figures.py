"""Drawings of what each axis does: the level means seed by seed, and the paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Axis, Effect, LevelMean
from ablate.report.document import Figure
from ablate.report.evidence import Measure
from ablate.report.numbers import joined
from ablate.report.svg import CARD, INK, MUTED, SERIES, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR = SERIES[0][0]
ROOM = 3.0
"""Intervals are drawn up to this many times the largest single difference; beyond, an arrow says that they go on."""

LEVELS = 40
"""Rows that the drawing of differences has at most; the largest are drawn."""


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


def differences_figure(
    measures: Sequence[Measure], found: Mapping[str, Sequence[Effect]], confidence: float
) -> Figure | None:
    """Draws a row a level and a column a metric: the paired difference to the baseline level with its interval."""
    first = found[measures[0].name]
    rows = [(effect.axis, effect.level, effect.baseline) for effect in first if effect.interval]
    if not rows:
        return None
    if len(rows) > LEVELS:
        size = {(e.axis, e.level, e.baseline): abs(e.interval.mean) for e in first if e.interval}
        rows = [row for row in rows if row in sorted(size, key=lambda row: -size[row])[:LEVELS]]
    with drawing("differences"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 0.75 + 0.3 * len(rows)), layout="constrained")
        panels = canvas.subplots(1, len(measures), squeeze=False, sharey=True)[0]
        for panel, measure in zip(panels, measures, strict=True):
            _differences(panel, measure, rows, found[measure.name])
        panels[0].set_yticks(range(len(rows)), [f"{axis}  {level}  vs {baseline}" for axis, level, baseline in rows])
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        svg = to_svg(canvas)
    listed = joined([measure.label for measure in measures])
    return Figure(
        "differences", svg, f"Paired differences of {listed} to the baseline level",
        f"Difference to the baseline level, paired by seed and by all other axes: large, the mean over seeds with its "
        f"{confidence:.0%} t-interval; small, single seeds. Filled: the interval excludes zero. An arrow: it goes on "
        "beyond the panel.",
    )  # fmt: skip


def _differences(
    panel: Axes, measure: Measure, rows: Sequence[tuple[str, str, str]], effects: Sequence[Effect]
) -> None:
    from matplotlib.ticker import MaxNLocator

    by_row = {(effect.axis, effect.level, effect.baseline): effect for effect in effects if effect.interval}
    reach = max((abs(value) for row in rows if row in by_row for value in by_row[row].by_seed.values()), default=1.0)
    reach = (reach or 1.0) * ROOM
    panel.axvline(0, color=MUTED, linewidth=1)
    for place, row in enumerate(rows):
        effect = by_row.get(row)
        if effect is None or effect.interval is None:
            continue
        own = effect.interval
        if own.low is not None and own.high is not None:
            panel.hlines(place, max(own.low, -reach), min(own.high, reach), color=COLOUR, linewidth=1.6)
            for beyond, edge, marker in ((own.low < -reach, -reach, "<"), (own.high > reach, reach, ">")):
                if beyond:
                    panel.plot(edge, place, marker, color=COLOUR, markersize=5, clip_on=False)
        panel.plot(
            list(effect.by_seed.values()),
            [place] * len(effect.by_seed),
            "o",
            color=COLOUR,
            alpha=0.5,
            markersize=3,
            markeredgewidth=0,
        )
        fill = COLOUR if own.excludes_zero else CARD
        panel.plot(
            own.mean, place, "o", color=fill, markeredgecolor=COLOUR, markeredgewidth=1.6, markersize=7.5, zorder=4
        )
    panel.set_title(f"{measure.label} ({measure.unit})" if measure.unit else measure.label)
    panel.xaxis.set_major_locator(MaxNLocator(4))
    panel.set_xlabel({"higher": "right is better", "lower": "left is better"}.get(measure.direction or "", ""))
    panel.grid(False, axis="y")
