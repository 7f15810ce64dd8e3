"""Jobs of a plan: warm-ups, cells and measurements, and which cell waits for which warm-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ablate.execute.plan import Plan
from ablate.records import (
    CellSettings,
    MeasurementSettings,
    PlannedCell,
    PlannedWarmup,
    PluginRecord,
    Status,
    WarmupSettings,
)
from ablate.store import Entry, Store
from ablate.store.seal import unusable


@dataclass(frozen=True, slots=True)
class Job:
    """One training, of a warm-up or a cell, or one measurement, by what is planned of it: grids have 100,000 of them.

    `follows` is the cell that stopped early and whose training it goes on with, from step `begins`.
    """

    kind: Literal["warmup", "cell", "measure"]
    id: str
    label: str
    planned: PlannedCell | CellSettings | WarmupSettings | MeasurementSettings
    steps: int
    needs: str | None = None
    follows: str | None = None
    begins: int = 0
    plugins: tuple[PluginRecord, ...] = ()
    """Code that its process loads first."""

    @property
    def settings(self) -> CellSettings | WarmupSettings | MeasurementSettings:
        """The file that its entry begins with."""
        return self.planned.settings if isinstance(self.planned, PlannedCell) else self.planned

    def entry(self, store: Store) -> Entry:
        """Returns the job's place in the store."""
        if isinstance(self.planned, MeasurementSettings):
            return store.cell(self.planned.of).measurement(self.id)
        return store.warmup(self.id) if self.kind == "warmup" else store.cell(self.id)

    @property
    def training(self) -> Mapping[str, Any]:
        """The settings of the training itself: a cell's, also of one that is measured, or a warm-up's."""
        return self.planned.warmup if isinstance(self.planned, WarmupSettings) else self.planned.cell


class Named(Protocol):
    """A cell as it is chosen by: a planned one, or its record."""

    @property
    def id(self) -> str: ...

    @property
    def label(self) -> str: ...


Wanted = Callable[[Named], bool]


def every_cell(_cell: Named) -> bool:
    """Wants every cell."""
    return True


def jobs(plan: Plan, store: Store, *, wanted: Wanted = every_cell, limit: int | None = None) -> tuple[Job, ...]:
    """Returns the unfinished warm-ups that unfinished cells need, then the cells, in the plan's order.

    Only cells that are wanted are taken, and of those that are unfinished at most the first `limit`.
    """
    cells = [cell_job(point, plan.record.plugins) for point in plan.points if wanted(point)]
    unfinished = [job for job in cells if not job.entry(store).status().finished]
    beyond = set() if limit is None else {job.id for job in unfinished[limit:]}
    needed = dict.fromkeys(job.needs for job in unfinished if job.needs and job.id not in beyond)
    warmups = [_warmup(plan.warmups[name], plan.record.plugins) for name in needed]
    warmups = [job for job in warmups if not job_status(job, store).finished]
    return (*warmups, *(job for job in cells if job.id not in beyond))


def job_status(job: Job, store: Store) -> Status:
    """Returns how far a job is; a warm-up or measurement that was finished and is damaged is done again."""
    entry = job.entry(store)
    status = entry.status()
    again = job.kind != "cell" and (status.finished or status is Status.altered) and unusable(entry)
    return Status.pending if again else status


def cell_job(point: PlannedCell, plugins: tuple[PluginRecord, ...]) -> Job:
    """Returns the training of a cell, whose process loads plugins first."""
    needs, follows, begins = point.warmup, point.follows, point.begins
    return Job("cell", point.id, point.label, point, point.steps, needs, follows, begins, plugins)


def _warmup(planned: PlannedWarmup, plugins: tuple[PluginRecord, ...]) -> Job:
    return Job("warmup", planned.id, planned.label, planned, planned.steps, plugins=plugins)
