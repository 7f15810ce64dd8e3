"""The codec beside JPEG and WebP on the same images at no more bits."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.analysis import Arm
from ablate.metrics import Metric
from ablate.report.document import Block, Section, Span, Table, Text, Value, code, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import fixed, plural
from ablate.report.reference_points import RATE, SMALLEST, reference_points
from ablate.report.sections.anchor_figure import anchor_figure
from ablate.report.styles import short_name
from ablate.report.tables import number, numbers, scores, table, words

SHOWN = ("psnr", "ms_ssim", "fd_", "fid", "kid_")
"""Metrics that are compared: those whose names begin like this."""
CODEC = "this codec"

Records = Mapping[str, Mapping[str, Any]]
"""Codec -> record of `ablate.evaluate.references`."""


@dataclass(frozen=True)
class Anchors:
    """The records at the bits of each arm of the table, and those of the curves in the order of their bits."""

    at_arms: Mapping[str, Records]
    curves: Mapping[str, Sequence[Mapping[str, Any]]]


def anchors(evidence: Evidence) -> Section:
    """Returns the sentences, the table at matched bits, and the curves of both formats with the arms' points."""
    title, short = "Beside JPEG and WebP", "JPEG, WebP"
    reference = evidence.reference
    if reference is None or RATE not in evidence.metrics:
        said = text("No cell has finished, so there is nothing to set beside JPEG and WebP.")
        return Section("anchors", title, (said,), {"at_arms": {}, "curves": {}}, short)
    try:
        points = reference_points(evidence)
    except (OSError, ValueError) as error:
        said = text(f"JPEG and WebP cannot be set beside the arms on the test images: {error}", kind="warning")
        return Section("anchors", title, (said,), {"at_arms": {}, "curves": {}}, short)
    records = points.references.known() if points else None
    if points is None or records is None:
        said = text("JPEG and WebP were not measured at these bits yet; ", code(_command(evidence)), " measures them.")
        return Section("anchors", title, (said,), {"at_arms": {}, "curves": {}}, short)
    at_arms = {name: records[limit] for name, limit in points.arms.items()}
    found = Anchors(at_arms, {codec: _curve(codec, records, points.ladder) for codec in records[SMALLEST]})
    metrics = [metric for name, metric in evidence.metrics.items() if name.startswith(SHOWN) and metric.direction]
    blocks: list[Block] = [_sentence(evidence, reference, found.at_arms[reference.name])]
    drawn = anchor_figure(evidence, found.curves, metrics)
    if drawn is not None:
        blocks.append(drawn)
    blocks += [_table(evidence, found, metrics), text(_HOW, kind="note")]
    numbers = {"reference": reference.name, "at_arms": found.at_arms, "curves": found.curves}
    return Section("anchors", title, tuple(blocks), numbers, short)


_HOW = (
    "At no more bits: of each image, the best quality whose file, header included, is no larger than the arm's file "
    "of that image (its mean over seeds). JPEG with optimised tables and chroma at half resolution, qualities 1 to "
    "95; WebP at its slowest setting, 0 to 100; both by Pillow. A format has no figure where a single image has no "
    "file so small. On curves, every image has the same limit in bits per pixel."
)


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
    own = f"{fixed(reference.mean(RATE), rate.decimals)} {rate.unit}"
    own += f", {fixed(reference.mean('psnr'), quality.decimals)} {quality.unit} in {quality.label}"
    spans: list[Span | str] = ["At the bits of ", code(reference.name), f" ({own}), "]
    parts = []
    for name, record in records.items():
        if record["psnr"] is not None:
            parts.append(f"{name} has {fixed(record['psnr'], quality.decimals)} {quality.unit}")
        elif record["smallest"] is None:
            parts.append(f"{name} cannot hold {plural(len(record['missing']), 'image')}")
        else:
            few = f"{len(record['missing'])} of {plural(record['pictures'], 'image')}"
            smallest = f"its smallest files take {fixed(record['smallest'], rate.decimals)} {rate.unit}"
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


def _table(evidence: Evidence, found: Anchors, metrics: Sequence[Metric]) -> Table:
    rate, rows = evidence.metrics[RATE], []
    arms = {arm.name: arm for arm in evidence.finished}
    for name, records in found.at_arms.items():
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
