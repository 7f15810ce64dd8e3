"""The codec beside JPEG and WebP on the same images at no more bits."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.analysis import Arm
from ablate.metrics import Metric
from ablate.metrics.naming import TEST, split_name
from ablate.report.document import Block, Span, Table, Text, Value, code, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import fixed, plural, with_unit
from ablate.report.reference_points import RATE, SMALLEST, reference_points
from ablate.report.sections.anchor_figure import anchor_figure
from ablate.report.sections.section import Content, section
from ablate.report.styles import short_name
from ablate.report.tables import number, numbers, scores, table, words

SHOWN = ("psnr", "ms_ssim", "fd_", "fid", "kid_")
"""Metrics that are compared: those whose names begin like this."""
CODEC = "this codec"

Records = Mapping[str, Mapping[str, Any]]
"""Codec -> record of `ablate.evaluate.references`."""


HOW = (
    "Of each image, the best quality whose file, header included, is no larger than the arm's file of that image. JPEG "
    "with optimised tables and chroma at half resolution, WebP at its slowest setting; both by Pillow. A format has no "
    "figure where a single image has no file so small."
)


@section(
    "anchors",
    "Beside JPEG and WebP",
    "JPEG, WebP",
    summary="Both formats at no more bits than the arms",
)
def anchors(evidence: Evidence) -> Content:
    """Returns the sentences, the table at matched bits, and the curves of both formats with the arms' points."""
    nothing: dict[str, Any] = {"at_arms": {}, "curves": {}}
    reference = evidence.reference
    if reference is None or RATE not in evidence.metrics:
        return [text("No cell has finished, so there is nothing to set beside JPEG and WebP.")], nothing
    try:
        points = reference_points(evidence)
        records = points.references.known() if points else None
    except (OSError, ValueError) as error:
        said = f"JPEG and WebP cannot be set beside the arms on the test images: {error}"
        return [text(said, kind="warning")], nothing
    if points is None or records is None:
        said = "JPEG and WebP were not measured at these bits yet; "
        return [text(said, code(_command(evidence)), " measures them.")], nothing
    at_arms = {name: records[limit] for name, limit in points.arms.items()}
    curves = {codec: _curve(codec, records, points.ladder) for codec in records[SMALLEST]}
    # JPEG and WebP are measured at bits of test images; on named sets, [[reference]] has them at qualities.
    on_test = {name: metric for name, metric in evidence.metrics.items() if split_name(name)[1] == TEST}
    metrics = [metric for name, metric in on_test.items() if name.startswith(SHOWN) and metric.direction]
    drawn = anchor_figure(evidence, curves, metrics)
    blocks: list[Block] = [_sentence(evidence, reference, at_arms[reference.name]), *([drawn] if drawn else [])]
    blocks += [_table(evidence, at_arms, metrics), text(HOW, kind="note")]
    return blocks, {"reference": reference.name, "at_arms": at_arms, "curves": curves}


def _command(evidence: Evidence) -> str:
    grids = list(dict.fromkeys(cell.grid for cell in evidence.study.cells))
    root = evidence.store.root
    return shlex.join(("ablate", "references", *grids, *(() if str(root) == "runs" else ("-C", str(root)))))


def _curve(codec: str, records: Mapping[str, Records], ladder: Sequence[str]) -> list[Mapping[str, Any]]:
    """Returns the records of a codec that have figures, each dearer than the one before."""
    found: list[Mapping[str, Any]] = []
    for name in (SMALLEST, *ladder):
        record = records[name][codec]
        if record[RATE] is not None and (not found or record[RATE] > found[-1][RATE]):
            found.append(record)
    return found


def _sentence(evidence: Evidence, reference: Arm, records: Records) -> Text:
    """Says what both formats reach at the reference's bits."""
    quality, rate = evidence.metrics["psnr"], evidence.metrics[RATE]
    own = f"{with_unit(rate, reference.mean(RATE))}, {with_unit(quality, reference.mean('psnr'))} in {quality.label}"
    spans: list[Span | str] = ["At the bits of ", code(reference.name), f" ({own}), "]
    parts = []
    for name, record in records.items():
        if record["psnr"] is not None:
            parts.append(f"{name} has {with_unit(quality, record['psnr'])}")
        elif record["smallest"] is None:
            parts.append(f"{name} cannot hold {plural(len(record['missing']), 'image')}")
        else:
            few = f"{len(record['missing'])} of {plural(record['pictures'], 'image')}"
            smallest = f"its smallest files take {with_unit(rate, record['smallest'])}"
            parts.append(f"{name} has no file so small for {few} ({smallest})")
    return text(*spans, ", and ".join(parts), ".", kind="lead")


@dataclass(frozen=True)
class Row:
    """A codec at the bits of an arm, with all codecs at these bits."""

    arm: Arm
    codec: str
    entries: Records

    @property
    def record(self) -> Mapping[str, Any]:
        """The codec's figures."""
        return self.entries[self.codec]


def _table(evidence: Evidence, at_arms: Mapping[str, Records], metrics: Sequence[Metric]) -> Table:
    rate, rows = evidence.metrics[RATE], []
    arms = {arm.name: arm for arm in evidence.finished}
    for name, records in at_arms.items():
        entries = {CODEC: {metric.name: arms[name].mean(metric.name) for metric in (*metrics, rate)}, **records}
        rows += [Row(arms[name], codec, entries) for codec in entries]

    def arm(row: Row) -> Value:
        short = short_name(evidence, row.arm.name, row.arm.axes)
        return Value(short if row.codec == CODEC else "", sort=row.arm.name)

    def bits(row: Row) -> Value:
        if row.record[RATE] is not None:
            return number(row.record[RATE], rate.decimals)
        floor = fixed(row.record["smallest"] or None, rate.decimals)
        return Value("no such file", f"smallest {floor}", tone="muted")

    def score(row: Row, metric: Metric) -> Value:
        value = row.record.get(metric.name)
        known = [each for entry in row.entries.values() if (each := entry.get(metric.name)) is not None]
        best = len(known) > 1 and value == metric.best(known)
        return number(value, metric.decimals, tone="best" if best else "plain")

    stand = "The baseline" if evidence.reference is evidence.study.baseline else "The first finished arm"
    return table(
        "anchors", "At no more bits", rows,
        words("at the bits of", arm),
        words("codec", lambda row: row.codec),
        numbers(rate.label, bits, rate.unit),
        *scores(metrics, score),
        caption=f"{stand}, and the best arm on each primary metric. In bold: the best of the three.",
    )  # fmt: skip
