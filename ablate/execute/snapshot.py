"""A run at one moment: how far every cell is, and when all are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.execute.estimate import Estimate
from ablate.execute.jobs import Job
from ablate.execute.schedule import Schedule
from ablate.records import MetricRow, Status
from ablate.store import Store


@dataclass(frozen=True)
class Running:
    """A training under way, here or in another process."""

    label: str
    phase: str
    step: int
    steps: int
    loss: float | None
    steps_per_second: float | None
    here: bool


@dataclass(frozen=True)
class Snapshot:
    """Cells by status, the trainings under way, and what is left."""

    cells: Mapping[Status, int]
    running: tuple[Running, ...]
    seconds_left: float
    """With all workers at it; a guess where `measured` is false."""
    fraction: float
    """Of the expected seconds of work, how many are over."""
    measured: bool
    what: str = "cells"
    """What is counted: cells, or measurements of them."""


def snapshot(schedule: Schedule, store: Store, estimate: Estimate, workers: int) -> Snapshot:
    """Reads how far the running trainings are, wherever they run, and adds up what is left."""
    running: dict[str, Running] = {}
    left: list[float] = []
    total = 0.0
    for job in schedule.jobs:
        if schedule.statuses[job.id] is Status.running:
            running[job.id] = _running(job, store, here=job.id in schedule.here)
            if rate := running[job.id].steps_per_second:
                estimate.observe(job, rate)
    for job in schedule.jobs:
        status = schedule.statuses[job.id]
        cost = estimate.seconds(job)
        total += cost
        if job.id in running:
            left.append(estimate.seconds(job, running[job.id].step))
        elif not (status.finished or status.damaged or status is Status.failed):
            left.append(cost)
    later = [estimate.seconds(job) for job in schedule.to_come]
    left, total = left + later, total + sum(later)
    fraction = 1 - sum(left) / total if total else 1.0
    seconds_left = max([sum(left) / workers, *left])
    measuring = any(job.kind == "measure" for job in schedule.jobs)
    known = estimate.measurements_known if measuring else estimate.measured
    what = "measurements" if measuring else "cells"
    return Snapshot(schedule.cells(), tuple(running.values()), seconds_left, fraction, known, what)


def _running(job: Job, store: Store, here: bool) -> Running:
    row = job.entry(store).last_row() or MetricRow(step=0, attempt=0)
    shown = row.loss.get("distortion" if job.kind == "warmup" else "generator")
    phase = {"warmup": "warm-up", "cell": "train", "measure": "measure"}[job.kind]
    phase = "evaluate" if row.step >= job.steps and job.kind != "measure" else phase
    return Running(job.label, phase, row.step, job.steps, shown, row.steps_per_second, here)
