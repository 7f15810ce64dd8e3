"""The codecs that a grid file names, beside the arms: compared where that is allowed, shown apart where it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.rate_curves import Vertex, rate_axis, vertices
from ablate.analysis.references import Against, Beside, Incomparable, Missing, Refusal, against
from ablate.evaluate.curve import IDENTICAL, CurvePoint
from ablate.metrics import Metric
from ablate.metrics.catalogue import in_reading_order
from ablate.metrics.metric import Scope
from ablate.metrics.naming import RATE, rate_of, split_name
from ablate.report.document import Block, Items, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, interval, joined, plural
from ablate.report.sections.anchor_figure import anchor_figure
from ablate.report.sections.rate_curves import curves
from ablate.report.sections.section import Content, section
from ablate.report.tables import number, numbers, scores, table, words

IN_WORDS = {
    Incomparable.images_unknown: "nobody declared on which images (images = the digest, or same_images = true)",
    Incomparable.images_differ: "it was measured on other images",
    Incomparable.convention_unknown: "nobody declared that it is defined as here (same_convention)",
    Incomparable.protocol_differs: "it was measured by another protocol",
    Missing.not_measured: "not measured yet: `ablate references` measures it",
    Missing.unreadable: "it cannot be read",
}


@dataclass(frozen=True)
class Compared:
    """A curve of the grid against a reference on a metric; `seeds` are those of each seed's own curve."""

    line: str
    metric: Metric
    other: str
    found: Against
    seeds: tuple[Against, ...]

    def interval(self, of: Literal["rate", "quality"]) -> Interval | None:
        """Returns the interval over the seeds, None where fewer than two have such a difference."""
        values = [each.value for against in self.seeds if (each := getattr(against, of)) is not None]
        return t_interval(values) if len(values) > 1 else None


@section(
    "references", "Beside other codecs", "Other codecs", summary="Codecs and published points that the grid file names"
)
def references(evidence: Evidence) -> Content:
    """Returns what each codec is and what it may be compared on, the figure, the differences, and all points."""
    every = evidence.beside
    if not every:
        return (), {}
    blocks: list[Block] = [_codecs(every)]
    if failed := [text(line) for each in every for line in _failed(each)]:
        blocks.append(Items("Qualities without a point", tuple(failed)))
    metrics = [m for m in evidence.metrics.values() if m.direction and m.scope is not Scope.rate]
    drawn = {each.label: _records(each, metrics) for each in every}
    figure = anchor_figure(evidence, {name: points for name, points in drawn.items() if points}, metrics, "codecs", "")
    blocks += [figure] if figure else []
    compared = _compare(evidence, every, metrics)
    blocks += [_differences(compared)] if compared else []
    blocks += _points(every)
    return blocks, {"codecs": [_plain(each) for each in every], "bjontegaard": [_plain_bd(each) for each in compared]}


def _codecs(every: Sequence[Beside]) -> Table:
    def bits(each: Beside) -> str:
        rates = [rate for rate, _ in each.points(RATE)]
        return f"{min(rates):.3g} to {max(rates):.3g}" if rates else NONE

    return table(
        "codecs", "Other codecs", every,
        words("codec", lambda each: each.label),
        words("from", _origin),
        numbers("points", lambda each: float(len(each.points(RATE)))),
        words("bits per pixel", bits),
        words("compared on", lambda each: joined(_labels(each, None)) or NONE),
        words("not comparable", lambda each: _told(each) or NONE),
        caption="What was measured here went through the code that measures the cells. Of points from files the grid "
        "file must declare that images and definition are the same, since numbers do not say so.",
    )  # fmt: skip


def _origin(each: Beside) -> str:
    own = each.declared
    if own.file:
        return own.file.rpartition("/")[2]
    return (each.curve.version if each.curve else "") or own.codec or own.command[0]


def _labels(each: Beside, refused: Refusal | None) -> list[str]:
    """Returns the metrics with that verdict."""
    names = [name for name, why in each.refused.items() if why == refused and split_name(name)[0] != RATE]
    return [metric.label for metric in in_reading_order(names)]


def _told(each: Beside) -> str:
    if each.missing:
        return f"{IN_WORDS[each.missing]}{f': {each.cause}' if each.cause else ''}"
    found = dict.fromkeys(str(why) for why in each.refused.values() if why)
    reasons = {str(why): why for why in each.refused.values() if why}
    return "; ".join(
        f"{joined(_labels(each, reasons[key])) or 'bits'}: {IN_WORDS[reasons[key].reason]}"
        + (f" ({', '.join(map(str, reasons[key].facts))})" if reasons[key].facts else "")
        for key in found
    )


def _failed(each: Beside) -> list[str]:
    lines = []
    for point in each.curve.points if each.curve else ():
        if point.failed:
            image, _, why = point.failed[0]
            more = f", and {plural(len(point.failed) - 1, 'more image')}" if len(point.failed) > 1 else ""
            at = "" if point.quality is None else f" at quality {point.quality}"
            lines.append(f"{each.label}{at}: {image}: {why}{more}")
    return lines


def _records(each: Beside, metrics: Sequence[Metric]) -> list[dict[str, Any]]:
    """Returns the points with those figures alone that may stand among the arms'."""
    allowed = [metric.name for metric in metrics if each.comparable(metric.name)]
    if each.curve is None or not allowed:
        return []
    names = dict.fromkeys((*map(rate_of, allowed), *allowed))
    return [{name: at.values.get(name) for name in names} for at in each.curve.points]


def _compare(evidence: Evidence, every: Sequence[Beside], metrics: Sequence[Metric]) -> list[Compared]:
    axis = rate_axis(evidence.study)
    if axis is None:
        return []
    primary = [metric for metric in metrics if metric in evidence.primary]
    found = []
    for metric in primary:
        of_seeds = sorted({cell.seed for cell in evidence.study.cells})
        for curve in curves(evidence, axis, metric):
            seeds = [vertices(evidence.study, axis, metric.name, curve.key, seed) for seed in of_seeds]
            for each in every:
                if each.comparable(metric.name):
                    other = each.points(metric.name)
                    own, *by_seed = (against(_pairs(line), other) for line in (curve.vertices, *seeds))
                    found.append(Compared(curve.label, metric, each.label, own, tuple(by_seed)))
    return found


def _pairs(line: Sequence[Vertex]) -> list[tuple[float, float]]:
    return [(vertex.rate, vertex.interval.mean) for vertex in line]


def _differences(compared: Sequence[Compared]) -> Table:
    def rate(row: Compared) -> Value:
        if row.found.rate is None:
            return Value("refused", joined(list(row.found.refused)), tone="muted")
        value = 100 * row.found.rate.value
        return number(value, 1, _over_seeds(row.interval("rate"), 1, 100))

    def quality(row: Compared) -> Value:
        if row.found.quality is None:
            return Value(NONE, tone="muted")
        value = row.found.quality.value
        written = f"{fixed(value, row.metric.decimals, signed=True)} {row.metric.unit}".strip()
        return Value(written, _over_seeds(row.interval("quality"), row.metric.decimals), sort=value)

    return table(
        "codecs-bd", "Bits against other codecs", compared,
        words("curve", lambda row: row.line),
        words("against", lambda row: row.other),
        words("metric", lambda row: f"BD-{row.metric.label}"),
        numbers("bits at equal quality", rate, "%", "BD-rate: negative is fewer bits than the other codec"),
        numbers("at equal bits", quality),
        caption="Curves are means over seeds, and intervals are over each seed's own curve: what training adds. The "
        "other codec's curve is one measurement without seeds and has no interval; neither is over images. They are "
        "interpolated by Akima.",
    )  # fmt: skip


def _over_seeds(own: Interval | None, decimals: int, scale: float = 1.0) -> str:
    return "no interval: fewer than two seeds have a curve" if own is None else interval(own, decimals, scale)


def _points(every: Sequence[Beside]) -> list[Block]:
    """Returns a table of the points that may be compared and one of those that may not."""
    tables: list[Block] = []
    for name, title, wanted in (
        ("codecs-points", "Points of other codecs", True),
        ("codecs-apart", "Points that are not comparable", False),
    ):
        rows = [
            (each, point)
            for each in every
            if each.curve
            for point in each.curve.points
            if _shown(each, wanted) and point.values
        ]
        shown = in_reading_order({metric for each, _ in rows for metric in _shown(each, wanted)})
        if rows:
            tables.append(_point_table(name, title, rows, shown, wanted))
    return tables


def _shown(each: Beside, wanted: bool) -> list[str]:
    return [name for name in each.refused if name != RATE and each.comparable(name) is wanted]


def _point_table(
    name: str, title: str, rows: Sequence[tuple[Beside, CurvePoint]], shown: Sequence[Metric], wanted: bool
) -> Table:
    def value(row: tuple[Beside, CurvePoint], metric: Metric) -> float | None:
        return row[1].values.get(metric.name) if row[0].comparable(metric.name) is wanted else None

    return table(
        name, title, rows,
        words("codec", lambda row: row[0].label),
        words("quality", lambda row: "" if row[1].quality is None else str(row[1].quality)),
        numbers("bits per pixel", lambda row: row[1].values.get(RATE), decimals=4),
        numbers("unchanged images", lambda row: row[1].values.get(IDENTICAL), hint="their PSNR is infinite"),
        *scores(shown, value),
        caption="" if wanted else "As they were given; the table of codecs says what is missing for a comparison.",
        folded=True,
    )  # fmt: skip


def _plain(each: Beside) -> dict[str, Any]:
    points = each.curve.points if each.curve else ()
    refused: Mapping[str, Any] = {
        name: {"reason": why.reason.value, "differences": [fact.key for fact in why.facts]}
        for name, why in each.refused.items()
        if why
    }
    return {
        "name": each.label,
        "missing": each.missing.value if each.missing else None,
        "compared": [name for name, why in each.refused.items() if why is None],
        "refused": refused,
        "points": [{"quality": at.quality, **at.values, "failed": [list(one) for one in at.failed]} for at in points],
    }


def _plain_bd(row: Compared) -> dict[str, Any]:
    found = {"rate": row.interval("rate"), "quality": row.interval("quality")}
    over_seeds = {of: {"low": own.low, "high": own.high, "seeds": own.n} for of, own in found.items() if own}
    return {
        "curve": row.line, "metric": row.metric.name, "against": row.other, **asdict(row.found),
        "intervals_over_seeds": over_seeds,
    }  # fmt: skip
