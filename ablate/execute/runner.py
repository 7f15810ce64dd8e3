"""Runs what is left of a plan: starts jobs, watches them, and stops well."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from ablate.execute.capacity import Capacity
from ablate.execute.ending import Ending, read_ending
from ablate.execute.environment import code_fingerprint, provenance
from ablate.execute.estimate import Estimate
from ablate.execute.interrupts import Interrupts
from ablate.execute.jobs import Job, all_labels, jobs
from ablate.execute.local import LocalWorkers, start_fork_server
from ablate.execute.planning import Plan
from ablate.execute.schedule import Schedule
from ablate.execute.snapshot import Snapshot, snapshot
from ablate.execute.work import TRAINING, Work
from ablate.records import Budget, Environment
from ablate.store import Store

OK, INCOMPLETE, HELD, INTERRUPTED = 0, 3, 75, 130
TURN_SECONDS = 0.25


class Listener(Protocol):
    """Who is told what happens in a run."""

    def said(self, text: str) -> None:
        """A sentence for the user."""

    def started(self, job: Job) -> None:
        """A job was given to a worker."""

    def ended(self, job: Job, ending: Ending, look: Callable[[], Snapshot]) -> None:
        """A job's worker is gone."""

    def turn(self, look: Callable[[], Snapshot]) -> None:
        """Some time went by; `look` reads how far everything is."""


@dataclass(frozen=True)
class Limits:
    """When a run or a cell is ended early."""

    max_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    max_alike_failures: int = 3
    grace_seconds: float = 60.0
    """How long after its timeout a cell that does not listen is killed."""

    @classmethod
    def of_budget(cls, budget: Budget) -> Self:
        """Reads a grid's [budget]."""
        seconds = budget.max_hours * 3600 if budget.max_hours else None
        return cls(seconds, budget.cell_timeout, budget.max_consecutive_failures)


def run(
    plan: Plan,
    store: Store,
    *,
    capacity: Capacity,
    limits: Limits,
    listener: Listener,
    wanted: Callable[[str], bool] = all_labels,
    limit: int | None = None,
    wait: bool = True,
    work: Work = TRAINING,
) -> int:
    """Runs the unfinished cells whose label is wanted, at most `limit` of them, and returns the exit code.

    0: all are done or diverged. 3: some failed, or a limit of the budget came first. 75: another process holds all
    that is left, and `wait` is false. 130: interrupted.
    """
    todo = jobs(plan, store, wanted=wanted, limit=limit)
    schedule = Schedule(todo, store, limits.max_alike_failures)
    finished = _environments(plan, store)
    if warning := other_code(finished):
        listener.said(warning)
    if not schedule.left:
        plan.write(store)
        listener.said("nothing to do: every cell is finished")
        return OK
    get_ready(work)
    work.prepare(todo, store, listener.said)
    plan.write(store)  # not before the images are known to be good: a grid that cannot run leaves nothing behind
    listener.said(str(capacity))
    if advice := on_threads(finished, capacity) if finished else capacity.idle_cores(len(plan.points)):
        listener.said(advice)
    environment = provenance(capacity.device, capacity.threads).noting(cells_at_once=capacity.cells_at_once)
    workers = LocalWorkers(work, store, capacity, environment, limits.cell_timeout_seconds, limits.grace_seconds)
    estimate = Estimate.of_finished(plan, store)
    with Interrupts() as interrupts:
        try:
            return _Run(schedule, store, workers, environment, estimate, capacity, limits, listener, interrupts).go(
                wait
            )
        except BaseException:
            workers.stop()  # nobody would watch them any more, and Python waits for its children before it ends
            raise


def get_ready(work: Work = TRAINING) -> None:
    """Lets the process that workers are forked from start, and import what they need, beside what is done here."""
    start_fork_server(work.preload)


def other_code(finished: Sequence[Environment]) -> str | None:
    """Returns a warning where the environments of finished cells are of other code than this."""
    other = {str(each.fingerprint) for each in finished} - {code_fingerprint()}
    if not other:
        return None
    return (
        f"warning: finished cells of this grid were made by other code ({', '.join(sorted(other))}; now "
        f"{code_fingerprint()}); they are kept, and the report says so"
    )


def on_threads(finished: Sequence[Environment], capacity: Capacity) -> str | None:
    """Returns a warning where the environments of finished cells have other numbers of threads."""
    other = {each.threads or 1 for each in finished if each.device == capacity.device == "cpu"} - {capacity.threads}
    if not other:
        return None
    before = " and ".join(map(str, sorted(other)))
    return (
        f"warning: finished cells of this grid were trained with --threads {before} (now {capacity.threads}), which "
        "moves a result like another seed; they are kept, and the report says so"
    )


def _environments(plan: Plan, store: Store) -> list[Environment]:
    results = [store.cell(point.id).result() for point in plan.points]
    return [result.environment for result in results if result and result.environment.fingerprint]


@dataclass
class _Run:
    """The loop of a run and what it holds."""

    schedule: Schedule
    store: Store
    workers: LocalWorkers
    environment: Environment
    estimate: Estimate
    capacity: Capacity
    limits: Limits
    listener: Listener
    interrupts: Interrupts
    stopping: str | None = None
    """Why no job is started any more."""
    killed: bool = False

    def go(self, wait: bool) -> int:
        began = time.monotonic()
        while True:
            self._stop_where_asked(time.monotonic() - began)
            self._start()
            if not self.workers.busy:
                if self.stopping or not self.schedule.left:
                    return self._code()
                if not wait:
                    self.listener.said("another process holds all that is left")
                    return HELD
            self._take_in(TURN_SECONDS)
            self.schedule.look()
            self.listener.turn(self._look)

    def _start(self) -> None:
        while not self.stopping and self.workers.free and (job := self.schedule.next()):
            self.workers.start(job)
            self.schedule.started(job)
            self.listener.started(job)

    def _take_in(self, seconds: float) -> None:
        for job, death in self.workers.ended(seconds):
            ending = read_ending(job.entry(self.store), death, self.environment)
            self.schedule.ended(job, ending)
            self.estimate.learn(job.kind, job.training, job.entry(self.store).result())
            if ending.how != "busy":
                self.listener.ended(job, ending, self._look)

    def _stop_where_asked(self, seconds: float) -> None:
        if self.interrupts.count and self.stopping != "interrupted":
            self._stop("interrupted", "stopping: every cell saves its state (Ctrl-C again: stop now)")
        elif not self.stopping and self.schedule.broken:
            self._stop("broken", f"stopping: {self.schedule.broken}")
        elif not self.stopping and self.limits.max_seconds and seconds > self.limits.max_seconds:
            self._stop("over", "stopping: budget.max_hours is over; `ablate run` goes on from here")
        if self.interrupts.count > 1 and not self.killed:
            self.killed = True
            self.workers.kill()

    def _stop(self, why: str, text: str) -> None:
        self.stopping = why
        self.listener.said(text)
        self.workers.stop()

    def _look(self) -> Snapshot:
        return snapshot(self.schedule, self.store, self.estimate, self.capacity.workers)

    def _code(self) -> int:
        if self.stopping == "interrupted":
            return INTERRUPTED
        return OK if self.schedule.complete else INCOMPLETE
