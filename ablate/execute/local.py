"""Workers on this machine: one process a job, forked from a server that has imported everything already."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess

from ablate.execute import worker
from ablate.execute.capacity import Capacity
from ablate.execute.ending import Death
from ablate.execute.jobs import Job
from ablate.execute.work import Work
from ablate.records import Environment
from ablate.store import Store

FOR_THE_RUNNER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a terminal, a scheduler or `timeout` sends to all processes at once; the runner passes them on."""


@dataclass
class Worker:
    """A job under way."""

    job: Job
    process: ForkServerProcess
    began: float
    told: bool = False
    timed_out: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class LocalWorkers:
    """The processes of a run. All end when the runner ends, however it ends."""

    def __init__(
        self,
        work: Work,
        store: Store,
        capacity: Capacity,
        environment: Environment,
        timeout_seconds: float | None,
        grace_seconds: float,
    ) -> None:
        self._work = work
        self._store = store
        self._capacity = capacity
        self._environment = environment
        self._timeout = timeout_seconds
        self._grace = grace_seconds
        self._slots: dict[int, Worker] = {}

    @property
    def busy(self) -> bool:
        """Whether a job runs here."""
        return bool(self._slots)

    @property
    def free(self) -> bool:
        """Whether another job may start."""
        return len(self._slots) < self._capacity.workers

    def start(self, job: Job) -> None:
        """Starts a job in a process of its own."""
        start_fork_server(self._work.preload)
        slot = next(slot for slot in range(self._capacity.workers) if slot not in self._slots)
        conditions = worker.Conditions(
            device=self._capacity.device,
            threads=self._capacity.threads,
            gpu=self._capacity.gpu(slot),
            environment=self._environment,
            timeout_seconds=self._timeout,
            kernels=self._capacity.kernels,
        )
        process = multiprocessing.get_context("forkserver").Process(
            target=worker.main, args=(self._work.function, job, self._store, conditions), daemon=False
        )
        process.start()
        self._slots[slot] = Worker(job, process, time.monotonic())

    def ended(self, seconds: float) -> list[tuple[Job, Death]]:
        """Returns the jobs whose processes are gone, after waiting for one that long."""
        if not self._slots:
            time.sleep(seconds)
        wait([running.process.sentinel for running in self._slots.values()], seconds)
        gone = []
        for slot, running in list(self._slots.items()):
            exitcode = running.process.exitcode
            if exitcode is not None:
                assert running.process.pid is not None
                death = Death(running.process.pid, exitcode, running.seconds, running.told, running.timed_out)
                gone.append((running.job, death))
                running.process.close()
                del self._slots[slot]
            elif self._timeout and running.seconds > self._timeout + self._grace:
                running.timed_out = not running.told
                running.process.kill()
        return gone

    def stop(self) -> None:
        """Asks every job to save its state and end; asks each once."""
        for running in self._slots.values():
            if not running.told:
                running.told = True
                running.process.terminate()

    def kill(self) -> None:
        """Ends every process at once; what was saved before stays."""
        for running in self._slots.values():
            running.told = True
            running.process.kill()


def start_fork_server(preload: Sequence[str]) -> None:
    """Starts the process that workers are forked from, which imports `preload` once for all of them.

    It is deaf to what a terminal sends to all processes, and finds the modules that this process finds. Where it
    runs already, it stays as it is.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(preload))
    resource_tracker.ensure_running()  # here, because it unblocks signals where it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_RUNNER)
    try:
        with _same_modules():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _same_modules() -> Iterator[None]:
    """Lets a Python started here find modules where this one does, and not in the current directory.

    multiprocessing means to hand sys.path on to its fork server, and up to Python 3.13.0 does not (gh-126631).
    """
    changed = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
