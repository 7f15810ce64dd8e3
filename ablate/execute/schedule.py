"""Which job is next, given what is finished, what others are doing and what failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from ablate.execute.jobs import Job
from ablate.execute.result import JobResult
from ablate.store import Status, Store

LOOK_SECONDS = 1.0
"""How long what other processes do to the store may go unnoticed; longer where looking is slow."""


class Stage(StrEnum):
    """Where a job stands in this run."""

    waiting = "waiting"
    here = "here"
    elsewhere = "elsewhere"
    done = "done"
    diverged = "diverged"
    failed = "failed"
    interrupted = "interrupted"


FINISHED = (Stage.done, Stage.diverged)


class Schedule:
    """The jobs of a run, in order, and the stage of each; the one mutable part of a run."""

    def __init__(self, jobs: Iterable[Job], store: Store, max_alike: int = 3) -> None:
        self.jobs = tuple(jobs)
        self.stages = {job.id: Stage.waiting for job in self.jobs}
        self.broken: str | None = None
        """Why no further job may start."""
        self._store = store
        self._max_alike = max_alike
        self._alike: list[str] = []
        self._looked_at = 0.0
        self._look_costs = 0.0
        for job in self.jobs:
            status = job.entry(store).status()
            if status in (Status.done, Status.diverged):
                self.stages[job.id] = Stage(status.value)

    def next(self) -> Job | None:
        """Returns a job to start now, or None where there is none or the run is broken."""
        if self.broken:
            return None
        for job in self.jobs:
            if self.stages[job.id] in (Stage.waiting, Stage.elsewhere) and self._startable(job):
                self._look_at(job)
                if self.stages[job.id] is Stage.waiting:
                    return job
        return None

    def started(self, job: Job) -> None:
        """Notes that the job runs here."""
        self.stages[job.id] = Stage.here

    def ended(self, job: Job, result: JobResult) -> None:
        """Notes how a job that ran here ended, and breaks the run where too many failed for one reason."""
        if result.how == "busy":
            self.stages[job.id] = Stage.elsewhere
            return
        if result.how == "disk_full":
            self.stages[job.id] = Stage.failed
            self.broken = f"the disk is full ({result.cause}); free some space and run again, nothing is lost"
            return
        self.stages[job.id] = Stage(result.how)
        if result.how == "failed":
            self._count_alike(result)
        elif result.how in ("done", "diverged"):
            self._alike.clear()

    def look(self) -> None:
        """Notes what other processes did meanwhile; cheap enough to be called at every turn."""
        now = time.monotonic()
        if now - self._looked_at < max(LOOK_SECONDS, 50 * self._look_costs):
            return
        for job in self.jobs:
            if self.stages[job.id] in (Stage.waiting, Stage.elsewhere):
                self._look_at(job)
        self._looked_at = time.monotonic()
        self._look_costs = self._looked_at - now

    @property
    def left(self) -> bool:
        """Whether some job could still be started, now or after others."""
        return any(
            stage is Stage.here or (stage in (Stage.waiting, Stage.elsewhere) and not self._hopeless(job))
            for job, stage in self._each()
        )

    @property
    def complete(self) -> bool:
        """Whether every job is done or diverged."""
        return all(stage in FINISHED for stage in self.stages.values())

    def cells(self) -> Counter[Stage]:
        """Counts the cells by stage."""
        return Counter(stage for job, stage in self._each() if job.kind == "cell")

    def _each(self) -> list[tuple[Job, Stage]]:
        return [(job, self.stages[job.id]) for job in self.jobs]

    def _startable(self, job: Job) -> bool:
        return job.needs is None or self.stages.get(job.needs, Stage.done) in FINISHED

    def _hopeless(self, job: Job) -> bool:
        return job.needs is not None and self.stages.get(job.needs) in (Stage.failed, Stage.interrupted)

    def _look_at(self, job: Job) -> None:
        before, status = self.stages[job.id], job.entry(self._store).status()
        if status in (Status.done, Status.diverged):
            self.stages[job.id] = Stage(status.value)
        elif status is Status.running:
            self.stages[job.id] = Stage.elsewhere
        elif before is Stage.elsewhere and status is Status.failed:
            self.stages[job.id] = Stage.failed  # another run tried it just now; a later run tries again
        else:
            self.stages[job.id] = Stage.waiting

    def _count_alike(self, result: JobResult) -> None:
        if self._alike and self._alike[-1] != result.kind_of_cause:
            self._alike.clear()
        self._alike.append(result.kind_of_cause)
        if len(self._alike) >= self._max_alike:
            self.broken = f"{len(self._alike)} failures in a row for one reason: {result.cause}"
