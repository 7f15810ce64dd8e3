"""Cells that the store has under an id from before 0.2, and that keep it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ablate.execute.plan import Plan
from ablate.records import CellSettings
from ablate.store import Store


def with_earlier_ids(planned: Plan, store: Store) -> Plan:
    """Returns the plan with cells that the store has under an id from before 0.2, which counted the evaluation, too.

    They keep these ids, so that nothing is trained again; a note of the plan says so.
    """
    absent = {point.id: point for point in planned.points if not store.cell(point.id).begun}
    earlier = _earlier_entries(store, {point.id for point in planned.points}) if absent else {}
    found = {name: earlier[name] for name in absent if name in earlier}
    if not found:
        return planned
    points = tuple(
        point.model_copy(update={"id": found[point.id].id, "sha256": found[point.id].sha256 or point.sha256})
        if point.id in found
        else point
        for point in planned.points
    )
    cells = "1 cell keeps its id" if len(found) == 1 else f"{len(found)} cells keep their ids"
    note = f"{cells} from before 0.2, which counted [evaluation], too: trained then, and not trained again"
    record = planned.record.model_copy(update={"points": points, "notes": [*planned.record.notes, note]})
    return replace(planned, record=record)


def _earlier_entries(store: Store, planned: Collection[str]) -> dict[str, CellSettings]:
    """Returns the settings of cells in the store, by the id that they would have today, where that is another one."""
    from ablate.config import Cell

    found: dict[str, CellSettings] = {}
    for entry in store.cells():
        if entry.id in planned:
            continue
        try:
            settings = entry.cell_settings()
            cell: Cell | None = Cell.model_validate(settings.cell) if settings else None
        except ValueError:  # it is no cell of this version, and none that could stand for one
            continue
        if settings is None or cell is None or cell.earlier_id != settings.id or cell.id == settings.id:
            continue
        if cell.id not in found or entry.status().finished:
            found[cell.id] = settings
    return found
