"""A plan for looking at, where plan.json is gone or damaged: of the cells that were begun and the copied grid file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ablate.execute.plan import Plan, grid_copy
from ablate.records import CellSettings, Compare, PlannedCell, PlannedWarmup, PlanRecord, RecordError, WarmupSettings
from ablate.store import Store

if TYPE_CHECKING:
    from ablate.grid import Grid


def rebuilt_plan(store: Store) -> Plan | None:
    """Returns the plan of the cells of a store that were begun, or None where none was; writes nothing.

    What is compared is what the store's copy of the grid file declares, where that can be read.
    """
    begun = _begun(store)
    if not begun:
        return None
    grid = _grid(store)
    order = {point.label: number for number, point in enumerate(grid.points())} if grid else {}
    begun.sort(key=lambda settings: (order.get(settings.label or "", len(order)), settings.label or settings.id))
    record = PlanRecord(
        schema_version=1,
        grid_sha256="",
        data_stat="",
        name=store.grid,
        compare=Compare.model_validate(grid.compare.model_dump()) if grid else Compare(),
        axes={key: list(values) for key, values in grid.axes.items()} if grid else _axes(begun),
        names=grid.names if grid else (),
        notes=[f"made of the {len(begun)} cells that were begun, since plan.json could not be read"],
        points=tuple(_point(settings) for settings in begun),
        warmups=_warmups(store, begun),
    )
    return Plan(record, grid_copy(store))


def _begun(store: Store) -> list[CellSettings]:
    found = []
    for entry in store.cells():
        with suppress(RecordError):
            settings = entry.cell_settings()
            found += [settings] if settings else []
    return found


def _grid(store: Store) -> Grid | None:
    from ablate.grid import read_grid

    try:
        grid = read_grid(store.path / "grid.toml")
        grid.points()
    except (OSError, ValueError):
        return None
    return grid


def _axes(begun: Iterable[CellSettings]) -> dict[str, list[Any]]:
    levels: dict[str, list[Any]] = {}
    for settings in begun:
        for key, value in settings.axes.items():
            there = levels.setdefault(key, [])
            if value not in there:
                there.append(value)
    return levels


def _point(settings: CellSettings) -> PlannedCell:
    return PlannedCell(
        id=settings.id,
        sha256=settings.sha256 or "",
        label=settings.label or settings.id,
        axes=settings.axes,
        seed=settings.seed if settings.seed is not None else int(settings.cell["seed"]),
        warmup=settings.warmup,
        cell=settings.cell,
    )


def _warmups(store: Store, begun: Iterable[CellSettings]) -> dict[str, PlannedWarmup]:
    found = {}
    for name in sorted({settings.warmup for settings in begun if settings.warmup}):
        with suppress(RecordError):
            settings = store.warmup(name).settings()
            if isinstance(settings, WarmupSettings):
                found[name] = PlannedWarmup.model_validate(settings.plain())
    return found
