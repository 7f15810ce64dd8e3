"""Every comparison to the baseline against its margin: a forest plot, and tables of what its verdict rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ablate.analysis import Contrast
from ablate.metrics import Metric
from ablate.report.claims import TOO_FEW, comparison, correction, label, verdict, why_not
from ablate.report.document import Block, Figure, Table, Tone, Value, text
from ablate.report.evidence import Evidence
from ablate.report.figures import Style, axis_title, band, draw, key, name_rows
from ablate.report.numbers import fixed, joined, probability
from ablate.report.sections.bjontegaard import bjontegaard_table
from ablate.report.sections.section import Content, section
from ablate.report.svg import MUTED, SERIES
from ablate.report.tables import difference, numbers, p_value, part, table, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 3.0
"""Intervals are drawn up to this many times the largest single difference; beyond, an arrow says that they go on."""

ROWS = 40
"""Rows of the drawing at most; those with a verdict and the largest are drawn."""

PANELS = 4
"""Metrics of the drawing at most: the primary ones first."""

PANEL_TITLE = 16
"""Characters of a panel's title in one line."""

STYLES = {
    "better": Style(SERIES[2][0]),
    "worse": Style(SERIES[1][0], "D"),
    "equivalent": Style(SERIES[0][0], "s"),
    "inconclusive": Style(SERIES[7][0], fill="none"),
}

TOGETHER = {
    "holm": "both corrected for all declared comparisons on the metric (Holm)",
    "holm-all": "both corrected for all declared comparisons on all metrics (Holm)",
    "none": "neither corrected for the number of declared comparisons",
}
"""[compare] correction -> what is corrected for what, in words."""

TONES: Mapping[str, Tone] = {"better": "best", "worse": "bad"}


@section("comparisons", "Comparisons to the baseline", "Comparisons")
def forest(evidence: Evidence) -> Content:
    """Returns the forest plot of every comparison."""
    metrics = [evidence.metrics[name] for name in evidence.contrasts]
    rows = _rows(evidence, metrics)
    if not rows:
        said = text("No two arms have finished seeds in common, so there is nothing to compare.")
        return [said], {"drawn": []}
    return [_figure(metrics[:PANELS], rows, evidence.contrasts)], {"drawn": [list(row) for row in rows]}


def comparison_tables(evidence: Evidence) -> list[Block]:
    """Returns how comparisons are judged, and a table for each metric that has a better direction."""
    curves = bjontegaard_table(evidence)
    tables = [_table(evidence, evidence.metrics[name]) for name, found in evidence.contrasts.items() if found]
    how = [text(_how(evidence), kind="note")] if tables else []
    return [*how, *([curves] if curves else []), *tables]


def _how(evidence: Evidence) -> str:
    match = evidence.study.compare.rate_match
    bits = {
        "off": "The grid asks for no match of bits (rate_match = off), so quality is judged whatever is spent.",
        "bd": "Quality is compared at equal bits, by Bjøntegaard difference along an axis that draws a curve.",
    }.get(
        match,
        f"Better quality counts only with no more bits, worse only with no fewer, {match.replace(':', ' ')}.",
    )
    return (
        f"A verdict needs Student's {evidence.confidence} interval of the paired differences on one side of the margin "
        f"and the exact sign-flip test at that margin, {TOGETHER[evidence.study.compare.correction]}; equivalence "
        "takes a third test, which holds for skewed seeds. The p of a verdict is the largest of these tests'. What the "
        f"grid file does not declare is exploratory (Benjamini and Hochberg). {bits}"
    )


def _rows(evidence: Evidence, metrics: Sequence[Metric]) -> list[tuple[str, str]]:
    """Returns the keys to draw, in the order of the axes."""
    if not metrics:
        return []
    first = {each.effect.key: each for each in evidence.contrasts[metrics[0].name] if each.effect.interval}

    def place(key: tuple[str, str]) -> tuple[bool, float]:
        own = first[key].effect.interval
        return first[key].verdict == "inconclusive", -abs(own.mean) if own else 0.0

    kept = set(sorted(first, key=place)[:ROWS])
    return [key for key in first if key in kept]


def _figure(
    metrics: Sequence[Metric], rows: Sequence[tuple[str, str]], found: Mapping[str, Sequence[Contrast]]
) -> Figure:
    by_row = {metric.name: {each.effect.key: each for each in found[metric.name]} for metric in metrics}
    measured = sum(each.judgement is not None for each in by_row[metrics[0].name].values())
    left_out = f" Of {measured} comparisons {len(rows)} are drawn, those with a verdict and the largest first."
    with draw("comparisons", 1.25 + 0.3 * len(rows)) as drawn:
        panels = drawn.panels(len(metrics), sharey=True)
        for panel, metric in zip(panels, metrics, strict=True):
            _panel(panel, metric, [by_row[metric.name].get(row) for row in rows])
        name_rows(panels[0], [comparison(by_row[metrics[0].name][row].effect, "  ") for row in rows])
        key(drawn.canvas, STYLES)
        return drawn.figure(
            f"Paired differences of {joined([m.label for m in metrics])} to the baseline with margins and verdicts",
            "Difference to the baseline, paired by seed and by all other axes. Large: the mean over seeds with the "
            "t-interval that it is judged by, coloured by its verdict, hollow where it is inconclusive. Small: single "
            f"seeds. Shaded: too small to matter.{left_out if len(rows) < measured else ''}",
        )


def _panel(panel: Axes, metric: Metric, contrasts: Sequence[Contrast | None]) -> None:
    from matplotlib.ticker import MaxNLocator

    drawn = {place: each for place, each in enumerate(contrasts) if each and each.effect.interval}
    reach = max((abs(value) for each in drawn.values() for value in each.effect.differences), default=1.0)
    reach = max(reach * ROOM, *(1.3 * each.margin for each in drawn.values()), 0.0) or 1.0
    for place, each in drawn.items():
        band(panel, place, -each.margin, each.margin)
    panel.axvline(0, color=MUTED, linewidth=1)
    for place, each in drawn.items():
        _row(panel, place, each, reach)
    panel.set_title(textwrap.fill(axis_title(metric), PANEL_TITLE, break_on_hyphens=False, break_long_words=False))
    panel.xaxis.set_major_locator(MaxNLocator(4))
    panel.set_xlabel({"higher": "right is better", "lower": "left is better"}[metric.better])
    panel.grid(False, axis="y")


def _row(panel: Axes, place: int, contrast: Contrast, reach: float) -> None:
    assert contrast.judgement is not None
    own, style = contrast.judgement.interval, STYLES[contrast.verdict]
    if own.low is not None and own.high is not None:
        panel.hlines(place, max(own.low, -reach), min(own.high, reach), color=style.colour, linewidth=1.6)
        for beyond, edge, arrow in ((own.low < -reach, -reach, "<"), (own.high > reach, reach, ">")):
            if beyond:
                panel.plot(edge, place, arrow, color=style.colour, markersize=5, clip_on=False)
    seeds = contrast.effect.differences
    panel.plot(seeds, [place] * len(seeds), "o", color=style.colour, alpha=0.5, markersize=3, markeredgewidth=0)
    panel.plot(own.mean, place, zorder=4, **style.drawn(7.5))


def _table(evidence: Evidence, metric: Metric) -> Table:
    found = evidence.contrasts[metric.name]
    declared = {each.declared for each in found}
    kind = "Declared and exploratory" if len(declared) > 1 else "Declared" if True in declared else "Exploratory"
    corrections = joined(list(dict.fromkeys(map(correction, found))))
    refused = list(dict.fromkeys(why_not(each) for each in found if each.reason in TOO_FEW))
    caption = f"{kind} comparisons on {metric.label}; p-values: {corrections}."
    caption += f" Too few seeds: {'; '.join(refused)}." if refused else ""

    def judged(of: Callable[[Contrast], float | Value | None]) -> Callable[[Contrast], float | Value | None]:
        return lambda each: of(each) if each.judgement else None

    def seeds(each: Contrast) -> Value:
        assert each.effect.interval is not None
        pairs = f"{each.effect.pairs} of {each.effect.planned_pairs} pairs"
        return part(each.effect.interval.n, len(evidence.study.seeds), pairs)

    unit, decimals = metric.unit, metric.decimals
    return table(
        f"comparisons-{metric.name}",
        metric.label if True in declared else f"{metric.label}, exploratory",
        found,
        words("comparison", lambda each: _name(metric, each)),
        numbers("difference", judged(lambda each: difference(evidence.interval(each.effect), decimals)), unit),
        numbers("margin", judged(lambda each: Value(fixed(each.margin or None, decimals), sort=each.margin)), unit),
        numbers("p against 0", judged(_p),
                hint="exact sign-flip test against no difference, corrected; below, the smallest it can be"),
        numbers("g", judged(lambda each: each.hedges_g), decimals=2,
                hint="Hedges' g of the paired differences: their mean over their standard deviation, corrected"),
        numbers("detectable", judged(lambda each: each.detectable), unit,
                "true difference from zero that Student's test would find with 80 % power", decimals),
        numbers("seeds", judged(seeds)),
        numbers("bits", judged(lambda each: difference(each.bits.share if each.bits else None, 1, 100)), "%",
                "how many more bits than the baseline, with the interval"),
        words("verdict", _verdict),
        caption=caption,
        folded=True,
    )  # fmt: skip


def _name(metric: Metric, contrast: Contrast) -> Value:
    name = comparison(contrast.effect, "  ")
    return Value(name, label(metric, contrast) if contrast.curve else "", name)


def _p(contrast: Contrast) -> Value:
    assert contrast.judgement is not None
    smallest = f"{probability(contrast.judgement.smallest_p)} at best"
    return p_value(contrast.adjusted_p if contrast.can_reach else None, smallest)


def _verdict(contrast: Contrast) -> Value:
    if contrast.judgement is None:
        return Value("no pairs", why_not(contrast), tone="muted")
    why = "too few seeds" if contrast.reason in TOO_FEW else why_not(contrast)
    return Value(verdict(contrast), why, contrast.verdict, TONES.get(contrast.verdict, "plain"))
