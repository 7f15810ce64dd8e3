"""Which grid and which cell the arguments of a command mean."""

from __future__ import annotations

from pathlib import Path

from ablate.execute.planning import Plan, Planned, load_plan, stored_plan
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
    there = ", ".join(named(runs)) or "none"
    raise ValueError(f"there is no grid file {grid}, and no grid of that name was run under {runs} (there is: {there})")


def _stored(store: Store) -> Plan:
    plan = stored_plan(store)
    assert plan is not None, f"{store.path} was listed for its plan"
    return plan


def find_cell(plan: Plan, wanted: str) -> Planned:
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
