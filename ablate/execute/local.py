"""The executor of this machine: one process a job, forked from a server that has imported everything already."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess

from ablate.execute import worker
from ablate.execute.capacity import Capacity, capacity_of
from ablate.execute.environment import environment_of
from ablate.execute.executor import Executor, ProcessExit, RunContext
from ablate.execute.fork_server import start_fork_server
from ablate.execute.gpu_memory import Ask, Room, ask_driver
from ablate.execute.jobs import Job
from ablate.plugins import executor
from ablate.trackers.catalogue import modules

PATIENCE_SECONDS = 20.0
"""How long starting a worker is tried where its fork server dies meanwhile; a large process takes a while to die."""
PAUSE_SECONDS = 0.2


GIB = 1 << 30


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

    def __init__(self, context: RunContext, capacity: Capacity | None = None, ask: Ask = ask_driver) -> None:
        self.capacity = capacity or capacity_of(context.execution)
        self._context = context
        self._environment = environment_of(self.capacity)
        self._slots: dict[int, Worker] = {}
        self._room = Room(self.capacity.gpus, _largest_peak(context), ask) if self.capacity.gpus else None
        self._told = False
        needed = modules(term.name for term in context.execution.trackers)
        start_fork_server((*context.work.preload, *needed))

    @property
    def busy(self) -> bool:
        return bool(self._slots)

    @property
    def free(self) -> bool:
        return self._next_slot() is not None

    def _next_slot(self) -> int | None:
        """Returns the slot for one more job, on the GPU with the fewest; None where there is none, or no memory."""
        slots = [slot for slot in range(self.capacity.workers) if slot not in self._slots]
        if self._room is None:
            return next(iter(slots), None)
        running = Counter(self.capacity.gpu(slot) for slot in self._slots)
        gpus = {self.capacity.gpu(slot): slot for slot in reversed(slots)}
        for gpu in sorted((gpu for gpu in gpus if gpu is not None), key=lambda gpu: (running[gpu], gpu)):
            if self._room.for_another(gpu, running[gpu]):
                return gpus[gpu]
        if slots and not self._slots and not self._told:
            self._told = True
            free = ", ".join(f"GPU {gpu} {(self._room.free(gpu) or 0) / GIB:.1f}" for gpu in range(self.capacity.gpus))
            self._context.say(
                f"waiting for memory: a cell needs {(self._room.needed or 0) / GIB:.1f} GiB, free: {free}"
            )
        return None

    def start(self, job: Job) -> None:
        slot = self._next_slot()
        assert slot is not None, "asked for only while free"
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
        if self._room is not None and (gpu := self.capacity.gpu(slot)) is not None:
            self._room.taken(gpu)

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
                if self._room is not None and running.job.kind == "cell":
                    result = running.job.entry(self._context.store).readable_result()
                    self._room.learn(result.peak_memory_bytes if result else None)
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


def _largest_peak(context: RunContext) -> int | None:
    """Returns the most bytes that a finished cell of the grid had on a GPU at once, None before the first."""
    results = (entry.readable_result() for entry in context.store.cells())
    peaks = [result.peak_memory_bytes or 0 for result in results if result and result.environment.device == "cuda"]
    return max(peaks, default=0) or None


@executor()
def local(context: RunContext) -> Executor:
    """Runs jobs as processes of this machine."""
    return LocalExecutor(context)
