"""The executor of this machine: one process a job, forked from a server that has imported everything already."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess

from ablate.execute import worker
from ablate.execute.capacity import Capacity, capacity_of
from ablate.execute.environment import environment_of
from ablate.execute.executor import Executor, ProcessExit, RunContext
from ablate.execute.fork_server import start_fork_server
from ablate.execute.jobs import Job
from ablate.plugins import executor

PATIENCE_SECONDS = 20.0
"""How long starting a worker is tried where its fork server dies meanwhile; a large process takes a while to die."""
PAUSE_SECONDS = 0.2


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


class LocalExecutor:
    """The processes of a run. All end when the runner ends, however it ends.

    Raises:
        ValueError: for a device that is not there.
    """

    def __init__(self, context: RunContext, capacity: Capacity | None = None) -> None:
        self.capacity = capacity or capacity_of(context.execution)
        self._context = context
        self._environment = environment_of(self.capacity)
        self._slots: dict[int, Worker] = {}
        start_fork_server(context.work.preload)

    @property
    def busy(self) -> bool:
        return bool(self._slots)

    @property
    def free(self) -> bool:
        return len(self._slots) < self.capacity.workers

    def start(self, job: Job) -> None:
        slot = next(slot for slot in range(self.capacity.workers) if slot not in self._slots)
        began = time.monotonic()
        while True:
            process = multiprocessing.get_context("forkserver").Process(
                target=worker.main,
                args=(self._context.work.function, job, self._context.store, self._conditions(slot)),
                daemon=False,
            )
            try:
                process.start()
            except (EOFError, ConnectionError) as error:
                # The fork server was killed just now; once it is gone, starting a worker begins another one.
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise ChildProcessError(
                        f"the process that workers are forked from is killed again and again ({error!r}); is there "
                        "enough memory?"
                    ) from error
                time.sleep(PAUSE_SECONDS)
            else:
                break
        self._slots[slot] = Worker(job, process, time.monotonic())

    def _conditions(self, slot: int) -> worker.Conditions:
        return worker.Conditions(
            device=self.capacity.device,
            threads=self.capacity.threads,
            gpu=self.capacity.gpu(slot),
            environment=self._environment,
            timeout_seconds=self._context.timeout_seconds,
            kernels=self.capacity.kernels,
            trackers=self._context.execution.trackers,
        )

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        if not self._slots:
            time.sleep(seconds)
        wait([running.process.sentinel for running in self._slots.values()], seconds)
        timeout = self._context.timeout_seconds
        gone = []
        for slot, running in list(self._slots.items()):
            exitcode = running.process.exitcode
            if exitcode is not None:
                assert running.process.pid is not None
                how = ProcessExit(running.process.pid, exitcode, running.seconds, running.told, running.timed_out)
                gone.append((running.job, how))
                running.process.close()
                del self._slots[slot]
            elif timeout and running.seconds > timeout + self._context.grace_seconds:
                running.timed_out = not running.told
                running.process.kill()
        return gone

    def stop(self) -> None:
        for running in self._slots.values():
            if not running.told:
                running.told = True
                running.process.terminate()

    def kill(self) -> None:
        for running in self._slots.values():
            running.told = True
            running.process.kill()


@executor()
def local(context: RunContext) -> Executor:
    """Runs jobs as processes of this machine."""
    return LocalExecutor(context)
