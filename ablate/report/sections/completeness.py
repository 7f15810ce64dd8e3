"""What was planned and what became of it, and what must not be pooled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from ablate.analysis.axes import value_text
from ablate.records import CELL_STATUSES, CellRecord, Status
from ablate.report.document import Block, Card, Cards, Column, Section, Table, Text, Value, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, joined, plural

AGREE = {
    "fingerprint": "code fingerprints",
    "device": "devices",
    "torch": "versions of torch",
}
"""Facts of the environment that cells of one comparison should share."""


def completeness(evidence: Evidence) -> Section:
    """Returns counts by status, every cell without a measurement with its cause, and warnings against pooling."""
    study = evidence.study
    counts = Counter(cell.status for cell in study.cells)
    excluded = sum(each.count for each in study.excluded)
    cards = [Card("planned", f"{len(study.cells):,}")]
    cards += [
        _card(status, counts[status])
        for status in CELL_STATUSES
        if counts[status] or status in ("done", "diverged", "failed")
    ]
    if excluded:
        cards.append(Card("excluded", f"{excluded:,}"))
    blocks: list[Block] = [Cards(tuple(cards))]
    warnings = list(_warnings(evidence))
    blocks += warnings
    ended = [cell for cell in study.cells if cell.status in ("diverged", "failed")]
    if ended:
        blocks.append(_ended_table(ended))
    if study.excluded:
        blocks.append(_excluded_table(evidence))
    numbers = {
        "planned": len(study.cells),
        **{status.value: counts[status] for status in CELL_STATUSES if status is not Status.broken or counts[status]},
        "excluded": [each.plain() for each in study.excluded],
        "warnings": [warning.plain for warning in warnings],
    }
    return Section("completeness", "Completeness", tuple(blocks), numbers)


def _card(status: str, count: int) -> Card:
    tone: Literal["bad", "good", "plain"] = (
        "bad" if count and status in ("diverged", "failed") else "good" if status == "done" and count else "plain"
    )
    return Card(status, f"{count:,}", tone=tone)


def _warnings(evidence: Evidence) -> Iterator[Text]:
    study = evidence.study
    results = [cell.result for cell in study.cells if cell.result]
    for key, title in AGREE.items():
        found = Counter(
            value_text(result["environment"][key]) for result in results if key in result.get("environment", {})
        )
        if len(found) > 1:
            listed = joined([f"{value} ({plural(count, 'cell')})" for value, count in found.most_common()])
            yield text(
                strong(f"Mixed {title}: "),
                f"{listed}. Differences between those cells may come from this.",
                kind="warning",
            )
        elif key == "fingerprint" and found and study.fingerprint and set(found) != {study.fingerprint}:
            yield text(
                strong("The code has changed since: "), f"the cells ran with {next(iter(found))}, ",
                f"the plan was last written with {study.fingerprint}.", kind="warning",
            )  # fmt: skip
    protocols = {json.dumps(result.get("protocol"), sort_keys=True) for result in results if result.get("protocol")}
    if len(protocols) > 1:
        yield text(
            strong(f"{len(protocols)} different measuring protocols: "),
            "cells were measured on other images, patches or extractor weights; their distances do not compare.",
            kind="warning",
        )  # fmt: skip


def _ended_table(cells: list[CellRecord]) -> Table:
    rows = [
        (
            Value(cell.arm, sort=cell.arm),
            Value(str(cell.seed), sort=cell.seed),
            Value(cell.status, sort=cell.status, tone="bad"),
            Value(NONE if cell.step is None else f"{cell.step:,}", sort=cell.step),
            Value(cell.cause or "not recorded", sort=cell.cause),
            Value(cell.id, sort=cell.id, code=True),
        )
        for cell in cells
    ]
    columns = (
        Column("arm", numeric=False), Column("seed"), Column("ended as", numeric=False), Column("step"),
        Column("cause", numeric=False), Column("cell", numeric=False),
    )  # fmt: skip
    caption = "A diverged cell is a result and is not run again; a failed one is tried again by the next run."
    return Table("ended", "Cells without a measurement", columns, tuple(rows), caption)


def _excluded_table(evidence: Evidence) -> Table:
    rows = []
    for each in evidence.study.excluded:
        words = ", ".join(f"{key} = {value_text(value)}" for key, value in each.where.items())
        rows.append((Value(words), Value(f"{each.count:,}", sort=each.count), Value(each.reason or "no reason given")))
    columns = (Column("where", numeric=False), Column("cells"), Column("reason", numeric=False))
    return Table("excluded", "Left out by the grid file", columns, tuple(rows))
