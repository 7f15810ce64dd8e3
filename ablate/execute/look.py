"""How far a grid is that others run, read from its store alone."""

from __future__ import annotations

from dataclasses import replace

from ablate.execute.estimate import Estimate
from ablate.execute.jobs import Wanted, every_cell, job_status, jobs
from ablate.execute.plan import Plan
from ablate.execute.schedule import Schedule
from ablate.execute.snapshot import Snapshot, snapshot
from ablate.execute.trials import staged
from ablate.records import Status
from ablate.store import Store


def look(plan: Plan, store: Store, wanted: Wanted = every_cell) -> Snapshot:
    """Returns how far the cells are that are wanted, wherever they run.

    What is left is shared by as many workers as there seem to be. A grid that tunes itself is as large as its results
    make it by now.
    """
    plan = replace(plan, record=staged(plan.record, store).record)
    todo = jobs(plan, store, wanted=wanted)
    schedule = Schedule(todo, store)
    schedule.statuses = {job.id: job_status(job, store) for job in todo}
    schedule.here = {name for name, status in schedule.statuses.items() if status is Status.running}
    return snapshot(schedule, store, Estimate.of_finished(plan, store), max(1, len(schedule.here)))


def over(seen: Snapshot) -> bool:
    """Whether nothing runs, and no cell is left that nobody tried."""
    return not seen.running and not any(seen.cells[status] for status in (Status.pending, Status.interrupted))
