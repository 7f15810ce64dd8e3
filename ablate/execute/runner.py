"""Runs what is left of a plan: starts jobs, watches them, and stops well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from ablate.execute.environment import environment_of
from ablate.execute.estimate import Estimate
from ablate.execute.executor import Executor, ExecutorFactory, RunContext, executors
from ablate.execute.finished import environments, left_behind, of_another_file, on_threads, other_code
from ablate.execute.fork_server import start_fork_server
from ablate.execute.interrupts import SAME_STOP_SECONDS, Interrupts
from ablate.execute.jobs import Job, Wanted, every_cell, jobs
from ablate.execute.listener import RunListener
from ablate.execute.plan import Plan
from ablate.execute.result import read_result
from ablate.execute.schedule import Schedule
from ablate.execute.snapshot import Snapshot, snapshot
from ablate.execute.work import TRAINING, Work
from ablate.records import Budget, Environment, Execution, FailureReason
from ablate.store import Store, lock
from ablate.trackers.catalogue import modules, require_trackers

OK, INCOMPLETE, HELD, INTERRUPTED = 0, 3, 75, 130
TURN_SECONDS = 0.25


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

    def after(self, seconds: float) -> Limits:
        """Returns the limits for what begins so much later within the same run."""
        return replace(self, max_seconds=max(0.0, self.max_seconds - seconds)) if self.max_seconds is not None else self


def run(
    plan: Plan,
    store: Store,
    *,
    execution: Execution,
    limits: Limits,
    listener: RunListener,
    wanted: Wanted = every_cell,
    limit: int | None = None,
    wait: bool = True,
    work: Work = TRAINING,
    executor: ExecutorFactory | None = None,
    todo: Sequence[Job] | None = None,
    to_come: Sequence[Job] = (),
) -> int:
    """Runs the unfinished cells that are wanted, at most `limit` of them, and returns the exit code.

    Where `todo` is given, its jobs are run in their place. Where no executor is given, it is the one that `execution`
    names. The time that is left counts what is `to_come` after this run, too.

    0: all are done or diverged. 3: some failed, or a limit of the budget came first. 75: another process holds all
    that is left, and `wait` is false. 130: interrupted.
    """
    # What is to do, and whether what is done compares with it.
    done = "every figure is there"
    if todo is None:
        todo = jobs(plan, store, wanted=wanted, limit=limit)
        done = "every cell is finished" if todo else "no cell is chosen"
    schedule = Schedule(todo, store, limits.max_alike_failures, to_come, execution.retries)
    finished = environments(plan, store)
    for warning in (other_code(finished), of_another_file(plan, store), left_behind(plan.record, store)):
        if warning:
            listener.on_message(warning)
    for job in todo:
        if (status := schedule.statuses[job.id]).damaged:
            listener.on_message(f"{status}: {job.label}: {job.entry(store).fault()}")
    if not schedule.left:
        plan.write(store)
        listener.on_message(f"nothing to do: {done}{'' if schedule.complete else ' or damaged'}")
        return OK if schedule.complete else INCOMPLETE

    # Who does it; then the images, which also shows that they are good: a grid that cannot run leaves nothing behind.
    require_trackers(execution.trackers)
    estimate = Estimate.of_finished(plan, store)
    times = limits.cell_timeout_seconds, limits.grace_seconds
    context = RunContext(work, store, execution, *times, listener.on_message, estimate)
    workers = (executor or executors[execution.executor].function)(context)
    work.prepare(todo, store, listener.on_message)
    plan.write(store)

    # What the user should know beforehand.
    capacity = workers.capacity
    listener.on_message(str(capacity))
    if advice := on_threads(finished, capacity) if finished else capacity.idle_cores(len(plan.points)):
        listener.on_message(advice)
    if distrust := lock.trial(store.root):
        listener.on_message(f"{distrust}: {lock.STAND_IN}")

    # The run itself.
    with Interrupts() as interrupts:
        try:
            return _Run(
                schedule=schedule,
                store=store,
                executor=workers,
                environment=environment_of(capacity),
                estimate=estimate,
                limits=limits,
                listener=listener,
                interrupts=interrupts,
                saved_step=work.saved_step,
            ).go(wait)
        except BaseException:
            workers.stop()  # nobody would watch them any more, and Python waits for its children before it ends
            raise


def get_ready(work: Work = TRAINING, trackers: Iterable[str] = ()) -> None:
    """Lets the process that workers are forked from start, and import what they need, beside what is done here."""
    start_fork_server((*work.preload, *modules(trackers)))


@dataclass
class _Run:
    """The loop of a run and what it holds."""

    schedule: Schedule
    store: Store
    executor: Executor
    environment: Environment
    estimate: Estimate
    limits: Limits
    listener: RunListener
    interrupts: Interrupts
    saved_step: Callable[[Path], int]
    began: float = field(default_factory=time.monotonic)
    stopping: bool = False
    """Whether no job is started any more."""
    interrupted: bool = False
    killed: bool = False

    def go(self, wait: bool) -> int:
        while True:
            self._stop_where_asked()
            self._start()
            if not self.executor.busy:
                if self.stopping or not self.schedule.left:
                    return self._code()
                if not wait:
                    self.listener.on_message("another process holds all that is left")
                    return HELD
            self._take_in(TURN_SECONDS)
            self.schedule.look()
            self.listener.on_tick(self._look)

    def _start(self) -> None:
        while not self.stopping and self.executor.free and (job := self.schedule.next()):
            self.executor.start(job)
            self.schedule.started(job)
            self.listener.on_start(job)

    def _take_in(self, seconds: float) -> None:
        ended = self.executor.ended(seconds)
        # A signal to all processes at once may have reached a job before it reached this one.
        self._stop_where_asked()
        for job, process in ended:
            result = read_result(job.entry(self.store), process, self.environment, self.saved_step)
            if result.lost and not self.stopping and (which := self.schedule.again(job)):
                self.listener.on_message(f"{job.label}: {process.lost}; it is tried again ({which})")
                continue
            self.schedule.ended(job, result)
            self.estimate.learn(job.kind, job.training, job.entry(self.store).readable_result())
            for note in result.notes:
                self.listener.on_message(f"{job.label}: {note}")
            if result.reason is not FailureReason.busy:
                self.listener.on_end(job, result, self._look)

    def _stop_where_asked(self) -> None:
        limit = self.limits.max_seconds
        if self.interrupts.count and not self.interrupted:
            self.interrupted = True
            self._stop(f"every cell saves its state (Ctrl-C again after {SAME_STOP_SECONDS:.0f} seconds: stop now)")
        elif not self.stopping and self.schedule.stopped_by:
            self._stop(self.schedule.stopped_by)
        elif not self.stopping and limit is not None and time.monotonic() - self.began > limit:
            self._stop("budget.max_hours is over; `ablate run` goes on from here")
        if self.interrupts.count > 1 and not self.killed:
            self.killed = True
            self.listener.on_message("stopping now: what cells did since their last checkpoint is lost")
            self.executor.kill()

    def _stop(self, why: str) -> None:
        self.stopping = True
        self.listener.on_message(f"stopping: {why}")
        self.executor.stop()

    def _look(self) -> Snapshot:
        return snapshot(self.schedule, self.store, self.estimate, self.executor.capacity.workers)

    def _code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        return OK if self.schedule.complete else INCOMPLETE
