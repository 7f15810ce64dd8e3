"""Quality against perception and against bits: where each arm lies and which no other beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ablate.analysis import Arm, Axis, frontier
from ablate.report.document import Block, Figure, Section, Span, Text, code, text
from ablate.report.evidence import Encoding, Evidence, Measure
from ablate.report.numbers import fixed, joined
from ablate.report.svg import CARD, INK, MUTED, SERIES, colours, drawing, markers, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

QUALITY = "psnr"
RATE = "bpp_actual"
LEGENDS: tuple[Literal["outside lower left", "outside lower right"], ...] = (
    "outside lower left",
    "outside lower right",
)
TITLED = 400
"""Arms up to which each point carries its name for the pointer."""


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    colour: str
    marker: str


def tradeoff(evidence: Evidence) -> Section:
    """Returns PSNR against the Fréchet distance and against bits."""
    measures = evidence.measures
    distance = next((measure for name, measure in measures.items() if name.startswith("fd_")), None)
    across = [measure for measure in (distance, measures.get(RATE)) if measure]
    quality = measures.get(QUALITY)
    if quality is None or not across:
        said = text("No finished cell has both a PSNR and something to plot it against.")
        return Section("tradeoff", "Quality, perception, bits", (said,), {"front": []}, "Trade-offs")
    fronts = {measure.name: _front(evidence, quality, measure) for measure in across}
    blocks: list[Block] = [_figure(evidence, quality, across, fronts)]
    for measure in across:
        front = fronts[measure.name]
        of = sum(bool(_point(arm, quality, measure)) for arm in evidence.finished)
        if of > 1:
            blocks.append(_front_text(quality, measure, front, of))
    numbers = {
        "points": [
            {"arm": arm.name, "metric": measure.name, "psnr": point[0], "value": point[1]}
            for measure in across
            for arm in evidence.finished
            if (point := _point(arm, quality, measure))
        ],
        "front": fronts,
    }
    return Section("tradeoff", "Quality, perception, bits", tuple(blocks), numbers, "Trade-offs")


def _front_text(quality: Measure, measure: Measure, front: Sequence[str], of: int) -> Text:
    verb = "is" if len(front) == 1 else "are"
    spans: list[Span | str] = [
        f"On {quality.label} and {measure.label} together, {len(front)} of {of} arms {verb} beaten by no other"
    ]
    if len(front) <= 6:
        for number, name in enumerate(front):
            spans += [": " if not number else ", ", code(name)]
    return text(*spans, ".")


def _point(arm: Arm, quality: Measure, measure: Measure) -> tuple[float, float] | None:
    """Returns the arm's means over the seeds that have both values."""
    pairs = list(_pairs(arm, quality, measure))
    if not pairs:
        return None
    return sum(pair[0] for pair in pairs) / len(pairs), sum(pair[1] for pair in pairs) / len(pairs)


def _pairs(arm: Arm, quality: Measure, measure: Measure) -> Iterator[tuple[float, float]]:
    own, other = arm.scores(quality.name), arm.scores(measure.name)
    return ((own[seed], other[seed]) for seed in own if seed in other)


def _front(evidence: Evidence, quality: Measure, measure: Measure) -> tuple[str, ...]:
    points = {arm.name: point for arm in evidence.finished if (point := _point(arm, quality, measure))}
    return frontier(points, [quality.direction or "higher", measure.direction or "lower"])


def _figure(
    evidence: Evidence, quality: Measure, across: Sequence[Measure], fronts: Mapping[str, tuple[str, ...]]
) -> Figure:
    encoding = Encoding.of(evidence.study.axes)
    titles: dict[str, str] = {}
    looks = _looks(evidence, encoding)
    with drawing("tradeoff"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 5.4), layout="constrained")
        panels = canvas.subplots(1, len(across), squeeze=False, sharey=True)[0]
        for panel, measure in zip(panels, across, strict=True):
            titles |= _panel(panel, evidence, quality, measure, looks, encoding, fronts[measure.name])
        panels[0].set_ylabel(f"{quality.label} ({quality.unit}), higher is better")
        _legends(canvas, encoding, looks, evidence)
        svg = to_svg(canvas, titles)
    caption = "Large: mean of an arm over its seeds; small: single seeds. Ringed: no other arm beats it on both."
    if encoding.path:
        caption += f" Lines join arms that differ in {encoding.path.name} alone, in its order."
    shown = {axis.name for axis in (encoding.colour, encoding.marker, encoding.path) if axis}
    hidden = [axis.name for axis in evidence.study.axes if axis.name not in shown]
    if hidden:
        caption += f" {joined(hidden)} cannot be told apart here."
    caption += " Rest the pointer on a point for its name."
    listed = joined([measure.label for measure in across])
    return Figure("tradeoff", svg, f"{quality.label} of every arm against {listed}", caption)


def _looks(evidence: Evidence, encoding: Encoding) -> dict[str, Look]:
    palette = colours(encoding.colour.levels, encoding.colour.numbers is not None) if encoding.colour else {}
    shapes = markers(encoding.marker.levels) if encoding.marker else {}
    looks = {}
    for arm in evidence.finished:
        colour = encoding.colour.level(arm.axes) if encoding.colour else None
        shape = encoding.marker.level(arm.axes) if encoding.marker else None
        beside = not evidence.study.on_axes(arm)
        default = MUTED if beside else SERIES[0][0]
        looks[arm.name] = Look(palette.get(colour or "", default), shapes.get(shape or "", "*" if beside else "o"))
    return looks


def _panel(
    panel: Axes, evidence: Evidence, quality: Measure, measure: Measure, looks: Mapping[str, Look],
    encoding: Encoding, front: Sequence[str],
) -> dict[str, str]:  # fmt: skip
    """Draws seeds, paths and means, and returns what each point is called."""
    from matplotlib.ticker import MaxNLocator

    points = {arm.name: point for arm in evidence.finished if (point := _point(arm, quality, measure))}
    crowded = len(points) > 60
    _draw_seeds(panel, evidence, quality, measure, looks, crowded)
    if encoding.path:
        for names in _paths(evidence, encoding.path, points):
            xs, ys = [points[name][1] for name in names], [points[name][0] for name in names]
            panel.plot(
                xs,
                ys,
                color=looks[names[0]].colour if encoding.path is not encoding.colour else MUTED,
                alpha=0.4,
                linewidth=1,
            )
    titles = {}
    for number, (name, (y, x)) in enumerate(points.items()):
        (artist,) = panel.plot(
            x, y, looks[name].marker, color=looks[name].colour, markersize=5.5 if crowded else 8.5, zorder=5,
            markeredgecolor=INK if name in front else CARD, markeredgewidth=1.5 if name in front else 0.8,
        )  # fmt: skip
        if len(points) <= TITLED:
            group = f"{measure.name}-{number}"
            artist.set_gid(group)
            values = f"{fixed(y, quality.decimals)} {quality.unit}, {fixed(x, measure.decimals)} {measure.unit}"
            titles[group] = f"{name}: {values.strip()}"
    unit = f" ({measure.unit})" if measure.unit else ""
    baseline = evidence.study.baseline
    if baseline and baseline.name in points:
        y, x = points[baseline.name]
        panel.annotate("baseline", (x, y), (9, -11), textcoords="offset points", fontsize=8, color=MUTED, zorder=6)
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.set_xlabel(f"{measure.label}{unit}, {measure.direction} is better")
    return titles


def _draw_seeds(
    panel: Axes, evidence: Evidence, quality: Measure, measure: Measure, looks: Mapping[str, Look], crowded: bool
) -> None:
    import seaborn

    points = [(looks[arm.name], x, y) for arm in evidence.finished for y, x in _pairs(arm, quality, measure)]
    drawn = dict.fromkeys(look for look, _, _ in points)
    seaborn.scatterplot(
        x=[x for _, x, _ in points], y=[y for _, _, y in points], hue=[look.colour for look, _, _ in points],
        palette={look.colour: look.colour for look in drawn}, style=[look.marker for look, _, _ in points],
        markers={look.marker: look.marker for look in drawn}, alpha=0.45, s=8 if crowded else 16, linewidth=0,
        ax=panel, legend=False,
    )  # fmt: skip


def _paths(evidence: Evidence, path: Axis, points: Mapping[str, Any]) -> list[list[str]]:
    others = [axis for axis in evidence.study.axes if axis is not path]
    groups: dict[tuple[str | None, ...], list[Arm]] = {}
    for arm in evidence.finished:
        if evidence.study.on_axes(arm) and arm.name in points:
            groups.setdefault(tuple(axis.level(arm.axes) for axis in others), []).append(arm)
    order = path.levels.index
    return [
        [arm.name for arm in sorted(arms, key=lambda arm: order(path.level(arm.axes) or path.baseline))]
        for arms in groups.values()
        if len(arms) > 1
    ]


def _legends(canvas: Canvas, encoding: Encoding, looks: Mapping[str, Look], evidence: Evidence) -> None:
    from matplotlib.lines import Line2D

    def handle(colour: str, marker: str, label: str) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=7, label=label)

    entries = []
    if encoding.colour:
        palette = colours(encoding.colour.levels, encoding.colour.numbers is not None)
        entries.append((encoding.colour.name, [handle(palette[level], "o", level) for level in encoding.colour.levels]))
    if encoding.marker:
        shapes = markers(encoding.marker.levels)
        entries.append(
            (encoding.marker.name, [handle(MUTED, shapes[level], level) for level in encoding.marker.levels])
        )
    beside = [arm for arm in evidence.finished if not evidence.study.on_axes(arm)]
    if beside and entries:
        entries[0][1].append(handle(MUTED, looks[beside[0].name].marker, "added beside the axes"))
    for (title, handles), place in zip(entries, LEGENDS, strict=False):
        canvas.legend(handles=handles, title=title, loc=place, ncols=min(len(handles), 6), alignment="left")
