"""The tree of a results directory: one grid's cells, and what all grids share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ablate import atomic
from ablate.records import (
    AlteredError,
    CellRecord,
    Damage,
    DamageKind,
    PlannedCell,
    PlanRecord,
    RecordError,
    Status,
    TuningRecord,
    read,
    write,
)
from ablate.store.entry import Entry
from ablate.store.measured import with_measurements
from ablate.store.seal import altered


@dataclass(frozen=True)
class Store:
    """The results of the grid named `grid` under the directory `root`; nothing is created before it is written."""

    root: Path
    grid: str

    @property
    def path(self) -> Path:
        """The directory of the grid."""
        return self.root / self.grid

    @property
    def data_cache(self) -> Path:
        """Where decoded images lie, shared by all grids."""
        return self.root / ".shared" / "data"

    def cell(self, cell_id: str) -> Entry:
        """Returns the entry of a cell, whether it exists or not."""
        return Entry(self._cells / cell_id, cell_id)

    @cached_property
    def _cells(self) -> Path:
        return self.path / "cells"

    def cells(self) -> tuple[Entry, ...]:
        """Returns the entries of all cells that were begun, also of those that the latest plan no longer has."""
        return tuple(Entry(path, path.name) for path in sorted((self.path / "cells").glob("[!.]*")) if path.is_dir())

    def warmup(self, warmup_id: str) -> Entry:
        """Returns the entry of a warm-up, shared by all grids, whether it exists or not."""
        return Entry(self.root / ".shared" / "warmups" / warmup_id, warmup_id)

    def plan(self) -> PlanRecord | None:
        """Returns plan.json of the latest run, or None before the first."""
        return read(PlanRecord, self.path / "plan.json")

    def write_plan(self, plan: PlanRecord) -> None:
        """Replaces plan.json; its time of change says when the grid was last run."""
        write(self.path / "plan.json", plan)

    def tuning(self) -> TuningRecord | None:
        """Returns tuning.json, what was chosen for the arms of a tuned grid, or None before its first choice."""
        return read(TuningRecord, self.path / "tuning.json")

    def write_tuning(self, tuning: TuningRecord) -> None:
        """Replaces tuning.json."""
        write(self.path / "tuning.json", tuning)

    def cell_records(self, plan: PlanRecord) -> tuple[CellRecord, ...]:
        """Returns every planned cell with what became of it; one whose records cannot be read is broken, with why."""
        names = plan.arm_names
        return tuple(self.cell_record(point, plan.name, names[point.id]) for point in plan.points)

    def cell_record(self, point: PlannedCell, grid: str, arm: str) -> CellRecord:
        """Returns a planned cell with what became of it."""
        entry = self.cell(point.id)
        planned = CellRecord(
            id=point.id,
            label=point.label,
            arm=arm,
            grid=grid,
            axes=point.axes,
            seed=point.seed,
            replicate=point.replicate,
            config=point.cell,
            warmup=point.warmup,
            status=Status.pending,
            part=point.part,
        )
        if not entry.begun:
            return planned
        try:
            result = entry.result()
            status = result.status if result else entry.status()
            if status.finished and (result := result or entry.result()):
                if damages := altered(entry):
                    return as_altered(planned, damages)
                found = with_measurements(entry, result, point.cell) if status is Status.done else result
                ended = replace(planned, status=status, step=result.step, cause=result.cause)
                return replace(ended, result=found, unsealed=result.seal is None)
            attempt = entry.last_attempt() if status is Status.failed or status.damaged else None
            end = attempt.exit() if attempt else None
        except AlteredError as error:
            return as_altered(planned, (error.damage,))
        except RecordError as error:
            return replace(planned, status=Status.broken, cause=str(error))
        return replace(planned, status=status, step=end.step if end else None, cause=end.error if end else None)

    def grid_damage(self, plan: PlanRecord) -> Damage | None:
        """Returns what is wrong with the copy of the grid file that a sealed plan was made from."""
        path = self.path / "grid.toml"
        if plan.seal is None:
            return None
        if not path.exists():
            return Damage(path, DamageKind.missing, "it is not there any more", PlanRecord.REMEDY)
        if hashlib.sha256(path.read_bytes()).hexdigest() == plan.grid_sha256:
            return None
        return Damage(path, DamageKind.edited, "it is not the file that plan.json was made from", PlanRecord.REMEDY)

    def require_grid(self, plan: PlanRecord) -> None:
        """Refuses a copy of the grid file that is not the one which the plan was made from.

        Raises:
            AlteredError: with what can be done.
        """
        damage = self.grid_damage(plan)
        if damage and damage.kind is not DamageKind.missing:
            raise AlteredError(damage)

    def write_grid(self, content: bytes) -> None:
        """Keeps a verbatim copy of the grid file; an earlier, different one stays as grid-<sha8>.toml."""
        path = self.path / "grid.toml"
        if path.exists():
            earlier = path.read_bytes()
            if earlier == content:
                return
            sha = hashlib.sha256(earlier).hexdigest()[:8]
            atomic.write_bytes(self.path / f"grid-{sha}.toml", earlier)
        atomic.write_bytes(path, content)


def as_altered(cell: CellRecord, damages: Sequence[Damage]) -> CellRecord:
    """Returns a cell without the figures that cannot be believed, and with the reason."""
    more = f" (and {len(damages) - 1} more files)" if len(damages) > 1 else ""
    cause = f"{damages[0]}{more}"
    return replace(cell, status=Status.altered, result=None, step=None, cause=cause, damages=tuple(damages))


def latest(root: Path) -> Store | None:
    """Returns the store of the grid that was run last under `root`, or None where none was."""
    unplanned = [path for path in root.glob("*/cells") if not (path.parent / "plan.json").exists()]
    newest = max([*root.glob("*/plan.json"), *unplanned], key=lambda path: path.stat().st_mtime_ns, default=None)
    return Store(root, newest.parent.name) if newest else None


def stores(root: Path) -> tuple[Store, ...]:
    """Returns the stores under `root` that hold cells, whether their plan is still there or not."""
    return tuple(Store(root, path.parent.name) for path in sorted(root.glob("*/cells")) if path.is_dir())


def named(root: Path) -> tuple[str, ...]:
    """Returns the names of the grids that were run under `root`, whether their plan is still there or not."""
    planned = {path.parent.name for path in root.glob("*/plan.json")}
    return tuple(sorted(planned | {store.grid for store in stores(root)}))
