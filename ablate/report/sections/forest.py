"""Every comparison to the baseline against its margin: a forest plot, and tables of what its verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ablate.analysis import BESIDE, Contrast
from ablate.report.claims import CORRECTIONS, TOO_FEW, label, verdict, why_not
from ablate.report.document import Block, Column, Figure, Section, Table, Value, text
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import NONE, fixed, interval, joined, percent_interval, probability
from ablate.report.sections.bjontegaard import bjontegaard_table
from ablate.report.svg import CARD, MUTED, SERIES, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

ROOM = 3.0
"""Intervals are drawn up to this many times the largest single difference; beyond, an arrow says that they go on."""

ROWS = 40
"""Rows of the drawing at most; those with a verdict and the largest are drawn."""

PANELS = 4
"""Metrics of the drawing at most: the primary ones first."""

LOOKS = {
    "better": (SERIES[2][0], "o"),
    "worse": (SERIES[1][0], "D"),
    "equivalent": (SERIES[0][0], "s"),
    "inconclusive": (SERIES[7][0], "o"),
}
"""Colour and marker of each verdict; an inconclusive one is hollow."""


def forest(evidence: Evidence) -> Section:
    """Returns the forest plot and a table for each metric that has a better direction."""
    title, short = "Comparisons to the baseline", "Comparisons"
    measures = [evidence.measures[name] for name in evidence.contrasts]
    rows = _rows(evidence, measures)
    if not rows:
        said = text("No two arms have finished seeds in common, so there is nothing to compare.")
        return Section("comparisons", title, (said,), {"drawn": []}, short)
    blocks: list[Block] = [text(_how(evidence))]
    blocks.append(_figure(measures[:PANELS], rows, evidence.contrasts))
    curves = bjontegaard_table(evidence)
    blocks += [curves] if curves else []
    blocks += [_table(evidence, measure) for measure in measures]
    return Section("comparisons", title, tuple(blocks), {"drawn": [list(row) for row in rows]}, short)


def _how(evidence: Evidence) -> str:
    match = evidence.study.compare.rate_match
    bits = {
        "off": "The grid asks for no match of bits (rate_match = off), so quality is judged whatever is spent.",
        "bd": "Quality is compared at equal bits, by Bjøntegaard difference along an axis that draws a curve.",
    }.get(
        match,
        f"Better quality counts only where the interval of the bits shows no more of them than the baseline spends, "
        f"worse only where it shows no fewer, {match.replace(':', ' ')}.",
    )
    return (
        "A verdict needs two things at the level of significance, corrected for all declared comparisons on the metric "
        "(Holm): Student's interval of the paired differences, one a seed, on one side of the margin, and the exact "
        "sign-flip test at that margin. Comparisons that the grid file does not declare (other metrics, axes left out "
        f"of [compare] axes) are exploratory and corrected by Benjamini and Hochberg. {bits}"
    )


def _rows(evidence: Evidence, measures: Sequence[Measure]) -> list[tuple[str, str]]:
    """Returns the keys to draw, in the order of the axes."""
    if not measures:
        return []
    first = {each.effect.key: each for each in evidence.contrasts[measures[0].name] if each.effect.interval}

    def place(key: tuple[str, str]) -> tuple[bool, float]:
        own = first[key].effect.interval
        return first[key].verdict == "inconclusive", -abs(own.mean) if own else 0.0

    kept = set(sorted(first, key=place)[:ROWS])
    return [key for key in first if key in kept]


def _figure(
    measures: Sequence[Measure], rows: Sequence[tuple[str, str]], found: Mapping[str, Sequence[Contrast]]
) -> Figure:
    by_row = {measure.name: {each.effect.key: each for each in found[measure.name]} for measure in measures}
    with drawing("comparisons"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 1.25 + 0.3 * len(rows)), layout="constrained")
        panels = canvas.subplots(1, len(measures), squeeze=False, sharey=True)[0]
        for panel, measure in zip(panels, measures, strict=True):
            _panel(panel, measure, [by_row[measure.name].get(row) for row in rows])
        first = by_row[measures[0].name]
        panels[0].set_yticks(range(len(rows)), [_name(first[row]) for row in rows])
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        _legend(canvas)
        svg = to_svg(canvas)
    listed = joined([measure.label for measure in measures])
    return Figure(
        "comparisons", svg, f"Paired differences of {listed} to the baseline with margins and verdicts",
        "Difference to the baseline, paired by seed and by all other axes: large, the mean over seeds with its "
        "t-interval, coloured by its verdict; small, single seeds. Shaded: differences within the margin, too small to "
        "matter. Hollow: inconclusive. An arrow: the interval goes on beyond the panel.",
    )  # fmt: skip


def _name(contrast: Contrast) -> str:
    effect = contrast.effect
    return effect.level if effect.axis == BESIDE else f"{effect.axis}  {effect.level}  vs {effect.baseline}"


def _panel(panel: Axes, measure: Measure, contrasts: Sequence[Contrast | None]) -> None:
    from matplotlib.ticker import MaxNLocator

    drawn = {place: each for place, each in enumerate(contrasts) if each and each.effect.interval}
    margins = [each.margin for each in drawn.values()]
    reach = max((abs(value) for each in drawn.values() for value in each.effect.differences), default=1.0)
    reach = max(reach * ROOM, *(1.3 * margin for margin in margins), 0.0) or 1.0
    for place, each in drawn.items():
        panel.fill_betweenx([place - 0.5, place + 0.5], -each.margin, each.margin, color=MUTED, alpha=0.16, linewidth=0)
    panel.axvline(0, color=MUTED, linewidth=1)
    for place, each in drawn.items():
        _row(panel, place, each, reach)
    panel.set_title(f"{measure.label} ({measure.unit})" if measure.unit else measure.label)
    panel.xaxis.set_major_locator(MaxNLocator(4))
    panel.set_xlabel({"higher": "right is better", "lower": "left is better"}.get(measure.direction or "", ""))
    panel.grid(False, axis="y")


def _row(panel: Axes, place: int, contrast: Contrast, reach: float) -> None:
    own = contrast.effect.interval
    assert own is not None
    colour, marker = LOOKS[contrast.verdict]
    if own.low is not None and own.high is not None:
        panel.hlines(place, max(own.low, -reach), min(own.high, reach), color=colour, linewidth=1.6)
        for beyond, edge, arrow in ((own.low < -reach, -reach, "<"), (own.high > reach, reach, ">")):
            if beyond:
                panel.plot(edge, place, arrow, color=colour, markersize=5, clip_on=False)
    seeds = contrast.effect.differences
    panel.plot(seeds, [place] * len(seeds), "o", color=colour, alpha=0.5, markersize=3, markeredgewidth=0)
    fill = CARD if contrast.verdict == "inconclusive" else colour
    look: dict[str, Any] = {"color": fill, "markeredgecolor": colour, "markeredgewidth": 1.6, "markersize": 7.5}
    panel.plot(own.mean, place, marker, zorder=4, **look)


def _legend(canvas: Canvas) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], linestyle="none", marker=marker, markersize=7, label=outcome, markeredgecolor=colour,
            markeredgewidth=1.6, color=CARD if outcome == "inconclusive" else colour,
        )
        for outcome, (colour, marker) in LOOKS.items()
    ]  # fmt: skip
    canvas.legend(handles=handles, loc="outside lower left", ncols=len(handles), alignment="left")


def _table(evidence: Evidence, measure: Measure) -> Table:
    found = evidence.contrasts[measure.name]
    planned = len(evidence.study.seeds)
    rows = tuple(_fields(measure, each, planned) for each in found)
    columns = (
        Column("comparison", numeric=False), Column("difference", measure.unit), Column("margin", measure.unit),
        Column("p", hint="exact sign-flip test against no difference, corrected; below, the smallest it can be"),
        Column("g", hint="Hedges' g of the paired differences: their mean over their standard deviation, corrected"),
        Column("detectable", measure.unit, hint="true difference from zero that would be found with 80 % power"),
        Column("seeds"), Column("bits", "%", hint="how many more bits than the baseline, with the interval"),
        Column("verdict", numeric=False),
    )  # fmt: skip
    declared = {each.declared for each in found}
    kind = "Declared and exploratory" if len(declared) > 1 else "Declared" if True in declared else "Exploratory"
    corrections = joined(list(dict.fromkeys(f"{CORRECTIONS[each.correction]} over {each.family}" for each in found)))
    caption = f"{kind} comparisons on {measure.label}; p-values corrected ({corrections})."
    refused = list(dict.fromkeys(why_not(each) for each in found if each.reason in TOO_FEW))
    caption += f" Too few seeds: {'; '.join(refused)}." if refused else ""
    title = measure.label if True in declared else f"{measure.label}, exploratory"
    return Table(
        f"comparisons-{measure.name}", title, columns, rows, caption, filterable=len(rows) > 20,
        folded=True not in declared,
    )  # fmt: skip


def _fields(measure: Measure, contrast: Contrast, planned: int) -> tuple[Value, ...]:
    own, judged = contrast.effect.interval, contrast.judgement
    name = Value(_name(contrast), label(measure, contrast) if contrast.curve else "", sort=_name(contrast))
    if own is None or judged is None:
        empty = (Value(NONE, tone="muted"),) * 7
        return (name, *empty, Value("no pairs", why_not(contrast), tone="muted"))
    mean = Value(fixed(own.mean, measure.decimals, signed=True), interval(own, measure.decimals), sort=own.mean)
    p = contrast.adjusted_p if contrast.can_reach else None
    smallest = f"{probability(judged.smallest_p)} at best"
    why = "too few seeds" if contrast.reason in TOO_FEW else why_not(contrast)
    tones: dict[str, Literal["best", "bad"]] = {"better": "best", "worse": "bad"}
    return (
        name, mean, Value(fixed(contrast.margin or None, measure.decimals), sort=contrast.margin),
        Value(NONE if p is None else probability(p), smallest, sort=p),
        Value(fixed(contrast.hedges_g, 2), sort=contrast.hedges_g),
        Value(fixed(contrast.detectable, measure.decimals), sort=contrast.detectable),
        Value(f"{own.n} of {planned}", f"{contrast.effect.pairs} of {contrast.effect.planned_pairs} pairs", own.n),
        _bits(contrast),
        Value(verdict(contrast), why, contrast.verdict, tones.get(contrast.verdict, "plain")),
    )  # fmt: skip


def _bits(contrast: Contrast) -> Value:
    share = contrast.bits.share if contrast.bits else None
    if share is None:
        return Value(NONE, tone="muted")
    return Value(fixed(100 * share.mean, 1, signed=True), percent_interval(share, 1), 100 * share.mean)
