"""Cells of a grid as commands list them: how far each is, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from ablate.records import RecordError, Status

if TYPE_CHECKING:
    from ablate.execute import Plan
    from ablate.execute.jobs import Wanted
    from ablate.records import CellRecord, PlannedWarmup
    from ablate.store import Entry, Store

INCOMPLETE = 3
RARE = (Status.interrupted, Status.broken, Status.altered)
"""Statuses that are counted where there are any."""


def list_cells(plan: Plan, store: Store, wanted: Wanted) -> list[dict[str, Any]]:
    """Reads how far every planned cell that is wanted is; writes nothing."""
    return [listed(cell, store.cell(cell.id)) for cell in store.cell_records(plan.record) if wanted(cell)]


def listed(cell: CellRecord, entry: Entry) -> dict[str, Any]:
    """Returns how far a cell is as plain data; of one under way with its last loss and speed, of a damaged one why."""
    plain: dict[str, Any] = {"id": cell.id, "label": cell.label, "status": cell.status.value}
    if cell.status.finished:
        plain |= {"step": cell.step}
    elif cell.status.damaged:
        plain |= {"step": 0, "cause": cell.cause}
    else:
        plain |= _under_way(entry, cell.status) if entry.begun else {"step": 0}
    return plain | {"steps": cell.steps, "seed": cell.seed, "part": cell.part, "axes": cell.axes}


def listed_warmup(warmup: PlannedWarmup, entry: Entry) -> dict[str, Any]:
    """Returns how far a warm-up is as plain data."""
    from ablate.store.seal import altered

    plain: dict[str, Any] = {"id": warmup.id, "label": warmup.label, "status": entry.status().value}
    if damages := altered(entry):
        return plain | {"status": "altered", "step": 0, "cause": str(damages[0]), "steps": warmup.steps}
    try:
        result = entry.result()
        plain |= {"step": result.step} if result else _under_way(entry, entry.status())
    except RecordError as error:
        plain |= {"status": Status.broken.value, "step": 0, "cause": str(error)}
    return plain | {"steps": warmup.steps}


def counted(statuses: Iterable[str]) -> dict[str, int]:
    """Returns the number of cells by status, none left out."""
    found = Counter(statuses)
    return {status.value: found[status] for status in Status if status not in RARE or found[status]}


def exit_where_damaged(statuses: Iterable[str]) -> None:
    """Ends the command with the exit code of what cannot be read or believed, where any cell or warm-up cannot."""
    if any(Status(status).damaged for status in statuses):
        raise typer.Exit(INCOMPLETE)


def _under_way(entry: Entry, status: Status) -> dict[str, Any]:
    """Returns what the newest row of telemetry says of an entry without a result."""
    try:
        row = entry.last_row()
    except RecordError as error:
        return {"status": Status.broken.value, "step": 0, "cause": str(error)}
    if row is None:
        return {"step": 0}
    shown = {"loss": row.loss.get("generator"), "steps_per_second": row.steps_per_second}
    return {"step": row.step, **(shown if status is Status.running else {})}
