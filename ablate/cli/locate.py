"""Which grid and which cell the arguments of a command mean."""

from __future__ import annotations

from pathlib import Path

from ablate.execute.planning import Plan, load_plan, stored_plan
from ablate.records import PlannedCell
from ablate.store import Store, latest, named


def find_grid(grid: str | None, runs: Path) -> tuple[Plan, Store]:
    """Returns the plan and the store of a grid file, of a grid that was run, or of the last run.

    Raises:
        ValueError: where there is none.
    """
    if grid is None:
        newest = latest(runs)
        if newest is None:
            raise ValueError(f"no grid was run under {runs} yet; `ablate run GRID` runs one")
        return _stored(newest), newest
    if Path(grid).is_file():
        plan = load_plan(Path(grid), runs)
        return plan, Store(runs, plan.name)
    if grid in named(runs):
        store = Store(runs, grid)
        return _stored(store), store
    if Path(grid).is_dir():
        raise ValueError(f"{grid} is a directory; name a grid file in it, or a grid that was run")
    there = ", ".join(named(runs)) or "none"
    raise ValueError(f"there is no grid file {grid}, and no grid of that name was run under {runs} (there is: {there})")


def _stored(store: Store) -> Plan:
    plan = stored_plan(store)
    assert plan is not None, f"{store.path} was listed for its plan"
    return plan


def find_cell(plan: Plan, wanted: str) -> PlannedCell:
    """Returns the cell with a label, or with an id that begins like that.

    Raises:
        ValueError: where there is none, or more than one.
    """
    for point in plan.points:
        if point.label == wanted:
            return point
    begins = {point.id: point for point in plan.points if point.id.startswith(wanted)}
    if len(begins) == 1:
        return next(iter(begins.values()))
    if begins:
        raise ValueError(f"{wanted!r} begins the id of {len(begins)} cells ({', '.join(begins)}); write more of it")
    known = ", ".join(f"{point.id} ({point.label})" for point in plan.points[:3])
    raise ValueError(f"{plan.name} has no cell {wanted!r}; cells are named by label or id, as {known}, …")


def find_cell_anywhere(wanted: str, runs: Path) -> tuple[Store, PlannedCell]:
    """Returns a cell of any grid under `runs` by its label or the beginning of its id, or as GRID:CELL.

    Raises:
        ValueError: where no grid has it, or several have another cell of that name.
    """
    grids = named(runs)
    if not grids:
        raise ValueError(f"no grid was run under {runs} yet; `ablate run GRID` runs one")
    grid, _, cell = wanted.partition(":")
    if cell and grid in grids:
        store = Store(runs, grid)
        return store, find_cell(_stored(store), cell)
    found: dict[str, tuple[Store, PlannedCell]] = {}
    for store in (Store(runs, name) for name in grids):
        points = _stored(store).points
        matches = [p for p in points if p.label == wanted] or [p for p in points if p.id.startswith(wanted)]
        for point in matches:
            # Grids share cells; one that has run is the one to look at.
            if point.id not in found or store.cell(point.id).result() is not None:
                found[point.id] = (store, point)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        listed = ", ".join(f"{store.grid}:{point.id} ({point.label})" for store, point in list(found.values())[:4])
        raise ValueError(f"{wanted!r} means {len(found)} cells ({listed}); write more of it, or GRID:CELL")
    raise ValueError(f"no grid under {runs} has a cell {wanted!r}; `ablate show GRID` lists those of a grid")
