"""How far each cell of a plan is, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ablate.execute.planning import Plan
from ablate.records import PlannedCell
from ablate.store import Entry, Status, Store


@dataclass(frozen=True)
class Standing:
    """A cell, its place in the store and its status at one moment."""

    point: PlannedCell
    entry: Entry
    status: Status
    step: int

    def as_json(self) -> dict[str, Any]:
        """Returns it as plain data; for a cell under way with its last row."""
        plain: dict[str, Any] = {"id": self.point.id, "label": self.point.label, "status": self.status.value}
        row = self.entry.last_row() if self.status is Status.running else None
        if row:
            loss = row.get("loss", {}).get("generator")
            plain |= {"loss": loss, "steps_per_second": row.get("steps_per_second")}
        point = self.point
        return plain | {"step": self.step, "steps": point.steps, "seed": point.seed, "axes": dict(point.axes)}


def standings(plan: Plan, store: Store) -> list[Standing]:
    """Reads how far every cell is; writes nothing."""
    return [standing(point, store) for point in plan.points]


def standing(point: PlannedCell, store: Store) -> Standing:
    """Reads how far one cell is."""
    entry = store.cell(point.id)
    status = entry.status()
    if status.finished and (result := entry.result()):
        return Standing(point, entry, status, result.step)
    row = entry.last_row() if status is not Status.broken else None
    return Standing(point, entry, status, row.step if row else 0)


def count(all_standings: Iterable[Standing]) -> dict[str, int]:
    """Returns the number of cells by status, none left out."""
    counted = Counter(standing.status for standing in all_standings)
    shown = [status for status in Status if status not in (Status.interrupted, Status.broken) or counted[status]]
    return {status.value: counted[status] for status in shown}
