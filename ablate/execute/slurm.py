"""The executor `slurm`: job arrays on a store that all nodes see, submitted by submitit."""

from __future__ import annotations

import logging
import math
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.execute.array_task import WARNING, ArrayTask
from ablate.execute.capacity import MAX_GPU_THREADS, Capacity
from ablate.execute.estimate import Estimate
from ablate.execute.executor import Executor, ProcessExit, RunContext
from ablate.execute.jobs import Job
from ablate.execute.remote import Dispatch, Sent
from ablate.execute.worker import BUSY
from ablate.plugins import executor
from ablate.records import Execution
from ablate.registry import AbsentError

TASKS_AT_ONCE = 256
"""How many tasks of an array run at once where nothing else is asked for."""
LARGEST_ARRAY = 1000
"""Slurm's own limit, unless a cluster has another one."""
WARNING_SECONDS = 120
"""How long before its end a task is warned, to save the state and be queued again."""
ROOM = 0.8
"""Part of a task's time that jobs are expected to fill."""
REQUEUES = 100
"""How often a task is queued again at its time limit."""
LOOK_SECONDS = 2.0
"""How long results may go unnoticed; longer where looking is slow."""
ASK_SECONDS = 30.0
"""How often Slurm is asked which tasks are gone."""
DIRECTORY = "slurm"
"""Of a grid in the store: what is submitted, and what tasks print before their jobs begin."""

Submitter = Callable[[Path, Execution, int], Any]
"""Returns submitit's executor for a directory, the settings and so many CPUs a task."""


@dataclass
class Submitted:
    """A task of an array with the jobs that have yet to end."""

    handle: Any
    left: list[Sent]
    gone: bool = False
    """It was cancelled, so that nobody waits for its end."""


@dataclass
class Batch:
    """An array, and whether all its jobs ended by themselves."""

    directory: Path
    tasks: list[Submitted] = field(default_factory=list)
    well: bool = True


class SlurmExecutor:
    """The arrays of a run: what may start at one moment is one array.

    Raises:
        ValueError: where a setting is missing, or there is no Slurm.
    """

    def __init__(self, context: RunContext, submitter: Submitter | None = None) -> None:
        self._context = context
        self.capacity = _capacity(context.execution)
        self._submitter = submitter or _slurm
        self._dispatch = Dispatch(context, self.capacity, cells_at_once=1)
        # Raises before anything is written where Slurm is not there.
        self._submitter(self._directory, context.execution, self.capacity.threads)
        self._collected: list[Job] = []
        self._batches: list[Batch] = []
        self._dropped: list[tuple[Job, ProcessExit]] = []
        self._looked_at = self._look_costs = 0.0
        self._asked_at = time.monotonic()

    @property
    def _directory(self) -> Path:
        return self._dispatch.store.path / DIRECTORY

    @property
    def _tasks(self) -> list[Submitted]:
        return [task for batch in self._batches for task in batch.tasks]

    @property
    def busy(self) -> bool:
        return bool(self._collected or self._batches or self._dropped)

    @property
    def free(self) -> bool:
        return len(self._collected) < LARGEST_ARRAY

    def start(self, job: Job) -> None:
        self._collected.append(job)

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        if self._collected:
            self._submit()
        if not self._dropped:
            time.sleep(seconds)
        gone, self._dropped = self._dropped, []
        now = time.monotonic()
        if now - self._looked_at >= max(LOOK_SECONDS, 20 * self._look_costs):
            for batch in self._batches:
                gone += self._look_at(batch)
            self._batches = [batch for batch in self._batches if batch.tasks]
            self._looked_at = time.monotonic()
            self._look_costs = self._looked_at - now
        if not self._batches:
            self._dispatch.over()
        return gone

    def stop(self) -> None:
        self._dispatch.stop()
        self._dropped += [(job, ProcessExit(0, BUSY, 0.0)) for job in self._collected]
        self._collected = []
        for task in self._tasks:
            for sent in task.left:
                sent.told = True
            if not any(sent.request.attempt() for sent in task.left):
                self._cancel(task)  # it waits in the queue

    def kill(self) -> None:
        self.stop()
        for task in self._tasks:
            self._cancel(task)

    def _cancel(self, task: Submitted) -> None:
        task.gone = True
        task.handle.cancel(check=False)
        self._looked_at = 0.0

    def _submit(self) -> None:
        """Submits what has been collected as one array."""
        execution = self._context.execution
        assert execution.time is not None, "looked at when the executor was made"
        room = ROOM * (execution.time - WARNING_SECONDS)
        parts = parts_of(self._collected, self._context.estimate, room, self.capacity.workers)
        batch = Batch(self._directory / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}")
        with_submitit = self._submitter(batch.directory, execution, self.capacity.threads)
        sent = [[self._dispatch.sent(job) for job in part] for part in parts]
        tasks = [ArrayTask(tuple(each.request for each in part), self._context.work.preload) for part in sent]
        handles = with_submitit.submit_array(tasks)
        batch.tasks = [Submitted(handle, part) for handle, part in zip(handles, sent, strict=True)]
        self._batches.append(batch)
        self._collected = []
        jobs = sum(map(len, parts))
        more = "" if len(parts) == jobs else f", up to {max(map(len, parts))} jobs each"
        array = handles[0].job_id.partition("_")[0]
        self._context.say(f"submitted job array {array}: {len(parts)} task{'s' * (len(parts) > 1)}{more}")

    def _look_at(self, batch: Batch) -> list[tuple[Job, ProcessExit]]:
        """Returns the jobs of an array that ended, by the store and by what Slurm says of its tasks."""
        gone = []
        for task in list(batch.tasks):
            # Asked before the store is read, so that what ended in between is seen.
            over = task.gone or self._over(task)
            exits = _exits(task.handle) if over and not task.gone else {}
            for sent in list(task.left):
                job = sent.request.job
                if sent.request.ended():
                    how = sent.exit(0)
                elif over:
                    how = exits.get(job.id) or sent.exit(-signal.SIGKILL, _why_gone(task.handle))
                    batch.well = batch.well and not how.lost
                else:
                    continue
                gone.append((job, how))
                task.left.remove(sent)
            if over:
                batch.tasks.remove(task)
        if not batch.tasks and batch.well:
            shutil.rmtree(batch.directory, ignore_errors=True)
        return gone

    def _over(self, task: Submitted) -> bool:
        ask = time.monotonic() - self._asked_at > ASK_SECONDS
        if ask:
            self._asked_at = time.monotonic()
        return bool(task.handle.done(force_check=ask))


def parts_of(jobs: Sequence[Job], estimate: Estimate, seconds: float, at_once: int) -> list[tuple[Job, ...]]:
    """Packs jobs, in order, into parts for a task each that are expected to take no longer than so many seconds.

    One job a part where nobody knows how long they take, and no more than it needs to have `at_once` parts.
    """
    most = math.ceil(len(jobs) / at_once)
    parts: list[list[Job]] = []
    filled = 0.0
    for job in jobs:
        known = estimate.measurements_known if job.kind == "measure" else estimate.measured
        cost = estimate.seconds(job)
        if not (parts and known) or len(parts[-1]) >= most or filled + cost > seconds:
            parts.append([])
            filled = 0.0
        parts[-1].append(job)
        filled += cost
    return [tuple(part) for part in parts]


def _capacity(execution: Execution) -> Capacity:
    if execution.time is None:
        raise ValueError(
            'the executor slurm needs --time, as in --time 4h, or [execution] time = "4h": a task that reaches it '
            f"is warned {WARNING_SECONDS} s before, saves its state and is queued again"
        )
    if execution.time <= 2 * WARNING_SECONDS:
        raise ValueError(f"--time must be above {2 * WARNING_SECONDS} s, not {execution.time:g} s")
    gpus = int(execution.device == "cuda") if execution.gpus_per_task is None else execution.gpus_per_task
    if (gpus and execution.device == "cpu") or (not gpus and execution.device == "cuda"):
        raise ValueError(f'gpus_per_task = {gpus} contradicts device = "{execution.device}"')
    threads = (MAX_GPU_THREADS if gpus else 1) if execution.threads == "auto" else execution.threads
    workers = TASKS_AT_ONCE if execution.workers == "auto" else execution.workers
    what = f"{threads} CPU{'s' * (threads > 1)}" + (" and a GPU" if gpus else "")
    where = f"Slurm{f' partition {execution.partition}' if execution.partition else ''}, {what} each"
    return Capacity("cuda" if gpus else "cpu", workers, threads, kernels=execution.kernels, elsewhere=where)


def _slurm(directory: Path, execution: Execution, threads: int) -> Any:
    try:
        import submitit
    except ImportError as error:
        raise AbsentError("the executor slurm needs submitit: pip install '.[slurm]' in the clone of ablate") from error
    logging.getLogger("submitit").setLevel(logging.ERROR)
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise ValueError(f"there is no sbatch on {socket.gethostname()}; start the run where jobs are submitted")
    made = submitit.SlurmExecutor(directory, max_num_timeout=REQUEUES)
    assert execution.time is not None, "looked at before"
    warning = WARNING.name.removeprefix("SIG")
    gpus = execution.gpus_per_task or int(execution.device == "cuda")
    made.update_parameters(
        job_name="ablate",
        time=math.ceil(execution.time / 60),
        nodes=1,
        ntasks_per_node=1,
        cpus_per_task=threads,
        array_parallelism=TASKS_AT_ONCE if execution.workers == "auto" else execution.workers,
        setup=[f"export SUBMITIT_PREEMPT_SIGNAL={warning}"],
        stderr_to_stdout=True,
        additional_parameters={"requeue": True, "signal": f"{warning}@{WARNING_SECONDS}", **execution.sbatch},
        **({"partition": execution.partition} if execution.partition else {}),
        **({"gpus_per_task": gpus} if gpus else {}),
    )
    return made


def _exits(handle: Any) -> dict[str, ProcessExit]:
    """Returns how the processes of a task's jobs ended, where the task lived to say it."""
    if not handle.paths.result_pickle.exists():
        return {}
    try:
        return dict(handle.result())
    except Exception:  # noqa: BLE001 - whatever the task raised; `_why_gone` says it
        return {}


def _why_gone(handle: Any) -> str:
    said = ""
    if handle.paths.result_pickle.exists() and (error := handle.exception()) is not None:
        said = f": {str(error).strip().splitlines()[-1]}"
    return f"its task {handle.job_id} is gone ({handle.state.lower()}{said})"


@executor()
def slurm(context: RunContext) -> Executor:
    """Runs jobs as arrays of Slurm."""
    return SlurmExecutor(context)
