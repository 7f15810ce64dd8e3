"""Which job is next, given what is finished, what others are doing and what failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from ablate.execute.jobs import Job, job_status
from ablate.execute.result import JobResult
from ablate.records import FailureReason, Status
from ablate.store import Store

LOOK_SECONDS = 1.0
"""How long what other processes do to the store may go unnoticed; longer where looking is slow."""


class Schedule:
    """The jobs of a run, in order, and how far each is; the one mutable part of a run."""

    def __init__(
        self, jobs: Iterable[Job], store: Store, max_alike: int = 3, to_come: Iterable[Job] = (), retries: int = 0
    ) -> None:
        self.jobs = tuple(jobs)
        self.to_come = tuple(to_come)
        """Stand-ins for what follows from the results, in a run after this one."""
        self.statuses = {job.id: Status.pending for job in self.jobs}
        self.here: set[str] = set()
        """The jobs that this run is at; others that are running are another process'."""
        self.stopped_by: str | None = None
        """Why no further job may start."""
        self._store = store
        self._max_alike = max_alike
        self._alike: list[str] = []
        self._retries, self._lost = retries, Counter[str]()
        self._looked_at = 0.0
        self._began = time.time()
        self._look_costs = 0.0
        for job in self.jobs:
            entry = job.entry(store)
            status = job_status(job, store)
            if status.finished or status.damaged:
                self.statuses[job.id] = status
            elif status is entry.status() is not Status.running and entry.fault():
                self.statuses[job.id] = Status.broken

    def next(self) -> Job | None:
        """Returns a job to start now, or None where there is none, or no further one may start."""
        if self.stopped_by:
            return None
        for job in self.jobs:
            if self._open(job) and self._startable(job):
                self._look_at(job)
                if self.statuses[job.id] is Status.pending and job.entry(self._store).cancelled(self._began):
                    self.statuses[job.id] = Status.interrupted
                if self.statuses[job.id] is Status.pending:
                    return job
        return None

    def started(self, job: Job) -> None:
        """Notes that the job runs here."""
        self.statuses[job.id] = Status.running
        self.here.add(job.id)

    def ended(self, job: Job, result: JobResult) -> None:
        """Notes how a job that ran here ended, and starts no further one where too many failed for one reason."""
        self.statuses[job.id] = result.status
        self.here.discard(job.id)
        if result.reason is FailureReason.disk_full:
            self.stopped_by = f"the disk is full ({result.cause}); free some space and run again, nothing is lost"
        elif result.status is Status.failed:
            self._count_alike(result)
        elif result.status.finished:
            self._alike.clear()

    def again(self, job: Job) -> str:
        """Lets a job that was lost be started again, and returns which time that is; empty after the last."""
        if self._lost[job.id] >= self._retries:
            return ""
        self._lost[job.id] += 1
        self.statuses[job.id] = Status.pending
        self.here.discard(job.id)
        return f"{self._lost[job.id]} of {self._retries}"

    def look(self) -> None:
        """Notes what other processes did meanwhile; cheap enough to be called at every turn."""
        now = time.monotonic()
        if now - self._looked_at < max(LOOK_SECONDS, 50 * self._look_costs):
            return
        for job in self.jobs:
            if self._open(job):
                self._look_at(job)
        self._looked_at = time.monotonic()
        self._look_costs = self._looked_at - now

    @property
    def left(self) -> bool:
        """Whether some job could still be started, now or after others."""
        return bool(self.here) or any(self._open(job) and not self._hopeless(job) for job in self.jobs)

    @property
    def complete(self) -> bool:
        """Whether every job is done or diverged."""
        return all(status.finished for status in self.statuses.values())

    def cells(self) -> Counter[Status]:
        """Counts the cells by status, or the measurements where those are what is run."""
        return Counter(self.statuses[job.id] for job in self.jobs if job.kind != "warmup")

    def _open(self, job: Job) -> bool:
        """Whether this run may still come to the job: nobody is at it, or another process is."""
        return self.statuses[job.id] in (Status.pending, Status.running) and job.id not in self.here

    def _startable(self, job: Job) -> bool:
        return job.needs is None or self.statuses.get(job.needs, Status.done).finished

    def _hopeless(self, job: Job) -> bool:
        needed = self.statuses.get(job.needs) if job.needs else None
        return needed is not None and (needed in (Status.failed, Status.interrupted) or needed.damaged)

    def _look_at(self, job: Job) -> None:
        before, status = self.statuses[job.id], job_status(job, self._store)
        if status is Status.failed and before is not Status.running:
            # It failed in an earlier run, and is tried again; what fails elsewhere meanwhile is left to a later run.
            status = Status.pending
        self.statuses[job.id] = status

    def _count_alike(self, result: JobResult) -> None:
        if self._alike and self._alike[-1] != result.kind_of_cause:
            self._alike.clear()
        self._alike.append(result.kind_of_cause)
        if len(self._alike) >= self._max_alike:
            self.stopped_by = f"{len(self._alike)} failures in a row for one reason: {result.cause}"
