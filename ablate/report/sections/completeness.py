"""Counts of planned cells by status, cells without a measurement, and warnings against pooling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from ablate.analysis.axes import value_text
from ablate.metrics import metrics
from ablate.metrics.protocol import Difference, differences
from ablate.records import CELL_STATUSES, CellRecord, Damage, ExcludedCells, Result, Status
from ablate.report.document import Block, Card, Cards, Table, Text, Value, strong, text
from ablate.report.evidence import LOST, Evidence
from ablate.report.numbers import joined, plural
from ablate.report.sections.section import Content, section
from ablate.report.tables import code, count, numbers, table, words
from ablate.store.seal import altered

AGREE = {
    "fingerprint": "code fingerprints",
    "device": "devices",
    "torch": "versions of torch",
}
"""Facts of the environment that cells of one comparison should share."""


@section("completeness", "Completeness", summary="Planned, finished, diverged and failed cells, and what was left out")
def completeness(evidence: Evidence) -> Content:
    """Returns counts by status, every cell without a measurement with its cause, and warnings against pooling."""
    # Cards: how many cells there are of each status.
    study = evidence.study
    counts = Counter(cell.status for cell in study.cells)
    excluded = sum(each.count for each in study.excluded)
    cards = [Card("planned", f"{len(study.cells):,}")]
    cards += [
        _card(status, counts[status])
        for status in CELL_STATUSES
        if counts[status] or status in (Status.done, Status.diverged, Status.failed)
    ]
    if excluded:
        cards.append(Card("excluded", f"{excluded:,}"))
    blocks: list[Block] = [Cards(tuple(cards))]
    # What must not be pooled or believed, and what is missing and why.
    damaged = _altered_warmups(evidence)
    warned = [*warnings(evidence), *map(_altered_warmup, damaged)]
    blocks += warned
    unsealed = sum(cell.unsealed for cell in study.cells)
    if unsealed:
        said = f"{plural(unsealed, 'cell')} of before there were seals: nothing tells whether a file was edited since."
        blocks.append(text(said, kind="note"))
    if ran := _older(evidence):
        said = f"All cells ran with code {ran}, and the plan was last written with {study.fingerprint}."
        blocks.append(text(said, kind="note"))
    ended = [cell for cell in study.cells if cell.status in LOST]
    if ended:
        blocks.append(_ended_table(ended))
    if study.excluded:
        blocks.append(_excluded_table(evidence))
    data = {
        "planned": len(study.cells),
        **{status.value: counts[status] for status in CELL_STATUSES if not status.damaged or counts[status]},
        "excluded": [each.plain() for each in study.excluded],
        "warnings": [warning.plain for warning in warned],
        "unsealed": unsealed,
        "altered_warmups": [str(damage) for damage in damaged],
    }
    return blocks, data


def _card(status: Status, count: int) -> Card:
    tone: Literal["bad", "good", "plain"] = (
        "bad" if count and status in LOST else "good" if status is Status.done and count else "plain"
    )
    return Card(status, f"{count:,}", tone=tone)


def warnings(evidence: Evidence) -> Iterator[Text]:
    """Goes through what the cells of one comparison should share and do not."""
    results = evidence.results
    for key, title in AGREE.items():
        facts = [result.environment.fact(key) for result in results]
        found = Counter(value_text(fact) for fact in facts if fact is not None)
        if len(found) > 1:
            listed = joined([f"{value} ({plural(count, 'cell')})" for value, count in found.most_common()])
            yield text(
                strong(f"Mixed {title}: "),
                f"{listed}. Differences between those cells may come from this.",
                kind="warning",
            )
    if unlike := _measured_otherwise(results):
        told = joined([f"{metrics[name].label} ({found})" for name, found in unlike.items()])
        yield text(
            strong("Cells were measured in different ways: "),
            f"{told}. Such figures do not compare.",
            kind="warning",
        )  # fmt: skip


def _older(evidence: Evidence) -> str | None:
    """Returns the fingerprint of the code that every finished cell ran with, where the plan is of other code."""
    found = {result.environment.fact("fingerprint") for result in evidence.results} - {None}
    planned = evidence.study.fingerprint
    return value_text(found.pop()) if len(found) == 1 and planned and found != {planned} else None


def _measured_otherwise(results: Sequence[Result]) -> dict[str, Difference]:
    """Returns for each metric the first fact in which results say that it was measured otherwise than in the first."""
    first: dict[str, Mapping[str, Any]] = {}
    found: dict[str, Difference] = {}
    for name, record in ((name, record) for result in results for name, record in result.protocol.items()):
        for difference in differences(first.setdefault(name, record), record):
            found.setdefault(name, difference)
    return found


def _altered_warmups(evidence: Evidence) -> list[Damage]:
    """Returns a damage of each warm-up that is altered; the cells that began from it have seals of their own."""
    names = dict.fromkeys(cell.warmup for cell in evidence.study.cells if cell.warmup)
    found = (altered(evidence.store.warmup(name)) for name in names)
    return [damages[0] for damages in found if damages]


def _altered_warmup(damage: Damage) -> Text:
    return text(strong("A warm-up is altered: "), f"{damage}.", kind="warning")


def _ended_table(cells: list[CellRecord]) -> Table:
    return table(
        "ended", "Cells without a measurement", cells,
        words("arm", lambda cell: cell.arm),
        numbers("seed", lambda cell: cell.seed),
        words("ended as", lambda cell: Value(cell.status, sort=cell.status, tone="bad")),
        numbers("step", lambda cell: count(cell.step)),
        words("cause", lambda cell: cell.cause or "not recorded"),
        words("cell", lambda cell: code(cell.id)),
        caption="A diverged cell is a result and is not run again; a failed one is tried again by the next run.",
    )  # fmt: skip


def _excluded_table(evidence: Evidence) -> Table:
    def where(each: ExcludedCells) -> str:
        return ", ".join(f"{key} = {value_text(value)}" for key, value in each.where.items())

    return table(
        "excluded", "Left out by the grid file", evidence.study.excluded,
        words("where", where),
        numbers("cells", lambda each: count(each.count)),
        words("reason", lambda each: each.reason or "no reason given"),
    )  # fmt: skip
