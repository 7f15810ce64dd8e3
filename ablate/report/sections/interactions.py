"""Interactions of two axes, and ranks of levels over blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ablate.analysis import Axis, Interaction, Ranks, interactions, ranks
from ablate.metrics import Metric
from ablate.report.document import Block, Figure, Items, Span, Table, Text, Value, code, text
from ablate.report.evidence import Evidence
from ablate.report.figures import axis_title, draw
from ablate.report.numbers import fixed, joined, plural, probability
from ablate.report.sections.section import Content, section
from ablate.report.svg import INK
from ablate.report.tables import difference, numbers, p_value, table, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAIRS = 4
"""Pairs of axes that the drawing shows at most: those with the largest interaction."""

ROWS = 200
"""Rows of a table at most: the largest interactions."""

HOW = (
    "By how much the effect of a level changes when another axis leaves its baseline. Where that is not small, the "
    "effect averaged over the other axis describes no cell. Exploratory; p-values by Benjamini and Hochberg."
)

Found = Mapping[str, tuple[Interaction, ...]]


@section("interactions", "Interactions", summary="Whether the effect of one axis depends on the level of another")
def interaction_effects(evidence: Evidence) -> Content:
    """Returns differences of differences on the primary metrics, and ranks as a description."""
    study = evidence.study
    found: Found = {m.name: interactions(study, m.name, alpha=evidence.alpha) for m in evidence.fair}
    found = {name: own for name, own in found.items() if any(each.interval for each in own)}
    tried = [ranks(study, axis, metric.name, metric.better) for metric in evidence.fair for axis in study.axes]
    ranked = [own for own in tried if own]
    blocks: list[Block] = []
    if found:
        blocks += [text(HOW), _figure(evidence, found)]
        blocks += [_table(evidence.metrics[name], own) for name, own in found.items()]
    else:
        said = "No two axes of this grid are crossed with finished cells at all four corners."
        blocks.append(text(f"{said} Whether one axis' effect depends on another cannot be seen."))
    if ranked:
        blocks.append(Items("Ranks over blocks, as a description", tuple(_rank_lines(evidence, ranked))))
    numbers = {
        "interactions": [asdict(each) for own in found.values() for each in own],
        "ranks": [asdict(each) for each in ranked],
    }
    return blocks, numbers


def _figure(evidence: Evidence, found: Found) -> Figure:
    # The pairs of axes with the largest interaction on the first metric.
    sizes: dict[tuple[str, str], float] = {}
    for each in next(iter(found.values())):
        if each.interval:
            pair = (each.axis, each.other)
            sizes[pair] = max(sizes.get(pair, 0.0), abs(each.interval.mean))
    shown = sorted(sizes, key=lambda pair: -sizes[pair])[:PAIRS]
    axes = {axis.name: axis for axis in evidence.study.axes}
    heights = [len(axes[name].levels) - 1 for name, _ in shown]
    with draw("interactions", 0.9 * len(shown) + 0.32 * sum(heights) + 0.3) as drawn:
        panels = drawn.canvas.subplots(
            len(shown), len(found), squeeze=False, height_ratios=[0.6 + height for height in heights]
        )
        for column, (name, own) in enumerate(found.items()):
            kept = [each for each in own if (each.axis, each.other) in shown]
            for line, (axis, other) in enumerate(shown):
                mine = [each for each in kept if (each.axis, each.other) == (axis, other)]
                _heatmap(
                    panels[line][column], evidence.metrics[name], mine, axes[axis], axes[other], evidence.alpha,
                    _reach(kept),
                )  # fmt: skip
        ends = any(each.interval and each.interval.low is not None for own in found.values() for each in own)
        pale = ", pale where intervals reach much further" if ends else ""
        return drawn.figure(
            f"Interactions of pairs of axes on {joined([evidence.metrics[name].label for name in found])}",
            f"Mean over seeds; orange is for the worse, purple for the better{pale}. A gap: no seed has finished all "
            "four cells. Framed: significant after correction.",
        )


def _reach(found: Sequence[Interaction]) -> float:
    """Returns how far means and intervals reach from zero: colours are scaled by it, so that chance stays pale."""
    ends = [(each.interval.mean, each.interval.low, each.interval.high) for each in found if each.interval]
    return max((abs(end) for three in ends for end in three if end is not None), default=1.0) or 1.0


def _heatmap(
    panel: Axes, metric: Metric, found: Sequence[Interaction], axis: Axis, other: Axis, alpha: float, reach: float
) -> None:
    import numpy as np
    import seaborn
    from matplotlib.patches import Rectangle

    rows = [level for level in axis.levels if level != axis.baseline]
    columns = [level for level in other.levels if level != other.baseline]
    # A field for each pair of levels, framed where its p-value is small enough.
    values = np.full((len(rows), len(columns)), np.nan)
    for each in found:
        place = rows.index(each.level), columns.index(each.other_level)
        if each.interval:
            values[place] = each.interval.mean
        if each.adjusted_p is not None and each.adjusted_p <= alpha:
            panel.add_patch(Rectangle((place[1], place[0]), 1, 1, fill=False, edgecolor=INK, linewidth=2, zorder=5))
    # Colours say better or worse, words the sign.
    words = [[fixed(None if np.isnan(v) else float(v), metric.decimals, signed=True) for v in row] for row in values]
    seaborn.heatmap(
        metric.sign * values, ax=panel, cmap="PuOr", vmin=-reach, vmax=reach, cbar=False, linewidths=1,
        annot=np.array(words) if values.size <= 60 else False, fmt="", annot_kws={"fontsize": 8},
        xticklabels=columns, yticklabels=rows,
    )  # fmt: skip
    panel.grid(False)
    panel.set_title(axis_title(metric))
    panel.set_ylabel(f"{axis.name} (vs {axis.baseline})")
    panel.set_xlabel(f"{other.name} (vs {other.baseline})")
    panel.tick_params(axis="y", rotation=0)


def _table(metric: Metric, found: Sequence[Interaction]) -> Table:
    rows = [(each, each.interval) for each in found if each.interval]
    rows.sort(key=lambda row: -abs(row[1].mean))
    caption = f"Interactions on {metric.label}, exploratory, the largest first."
    if len(rows) > ROWS:
        caption += f" The {ROWS} largest of {len(rows):,}."
    return table(
        f"interactions-{metric.name}", metric.label, rows[:ROWS],
        words("effect of", lambda row: f"{row[0].axis} {row[0].level}"),
        words("changes at", lambda row: f"{row[0].other} {row[0].other_level}"),
        numbers("by", lambda row: difference(row[1], metric.decimals), metric.unit),
        numbers("p", lambda row: p_value(row[0].adjusted_p),
                hint="exact sign-flip test, corrected by Benjamini and Hochberg; exploratory"),
        numbers("n", lambda row: Value(
            str(row[1].n), f"{row[0].squares} of {row[0].planned_squares} squares", row[1].n
        ), hint="seeds"),
        caption=caption,
    )  # fmt: skip


def _rank_lines(evidence: Evidence, found: Sequence[Ranks]) -> Iterator[Text]:
    for own in found:
        metric = evidence.metrics[own.metric]
        order = sorted(zip(own.mean_ranks, own.levels, strict=True))
        listed = ", ".join(f"{level} {fixed(rank, 1)}" for rank, level in order[:6])
        more = f", {plural(len(order) - 6, 'other level')}" if len(order) > 6 else ""
        test = (
            ""
            if own.p is None or own.statistic is None
            else f" Friedman {own.statistic:.1f}, p = {probability(own.p)};"
        )
        difference = own.critical_difference or 0.0
        able = (
            f"ranks {fixed(difference, 2)} apart differ by Nemenyi's test at 0.05"
            if difference <= own.largest_gap
            else f"ranks would have to be {fixed(difference, 2)} apart, more than they can be"
        )
        over = f" on {metric.label}, mean rank over {plural(own.blocks, 'block')} (1 is best): "
        spans: list[Span | str] = [code(own.axis), over]
        yield text(*spans, f"{listed}{more}.{test} {able}. Blocks share seeds and images: no verdict.")
