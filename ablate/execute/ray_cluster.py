"""The executor `ray`: a task of a Ray cluster for each job, on a store that all its nodes see."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.atomic import TEMPORARY
from ablate.execute.capacity import MAX_GPU_THREADS, Capacity
from ablate.execute.environment import code_fingerprint
from ablate.execute.executor import Executor, ProcessExit, RunContext
from ablate.execute.jobs import Job
from ablate.execute.remote import Dispatch, Request, Sent, do
from ablate.execute.worker import obey
from ablate.plugins import executor
from ablate.records import Execution
from ablate.registry import AbsentError

LOOK_SECONDS = 5.0
"""How long nodes that come or go may be unnoticed."""
PORT = 6379
CONNECT_SECONDS = 10.0
PROBE_SECONDS = 120.0
"""How long a node may take to start its first process."""
START = (
    f"ray start --head --port={PORT} --object-store-memory=100000000 --include-dashboard=false --disable-usage-stats"
)
GPU_UNITS = 10_000
"""Ray counts parts of a GPU in ten-thousandths."""


@dataclass(frozen=True)
class Need:
    """What a cell takes of a node; `cells_per_gpu` is 0 where it takes no GPU."""

    cpus: int
    cells_per_gpu: int = 0

    @classmethod
    def of(cls, execution: Execution, nodes: Sequence[dict[str, Any]]) -> Need:
        """Returns what the settings ask for on a cluster; where they leave it open, GPUs where there are some."""
        gpus = [node for node in nodes if node["Resources"].get("GPU", 0) >= 1]
        threads = None if execution.threads == "auto" else execution.threads
        if execution.device == "cpu" or (execution.device == "auto" and not gpus):
            return cls(threads or 1)
        cells = execution.cells_per_gpu
        shares = [int(node["Resources"].get("CPU", 0) // (int(node["Resources"]["GPU"]) * cells)) for node in gpus]
        return cls(threads or max(1, min([MAX_GPU_THREADS, *shares])), cells)

    @property
    def gpus(self) -> float:
        """The part of a GPU."""
        return GPU_UNITS // self.cells_per_gpu / GPU_UNITS if self.cells_per_gpu else 0

    def room(self, node: dict[str, Any]) -> int:
        """Returns how many cells a node takes at once."""
        cells = int(node["Resources"].get("CPU", 0) // self.cpus)
        return min(cells, int(node["Resources"].get("GPU", 0)) * self.cells_per_gpu) if self.cells_per_gpu else cells

    def __str__(self) -> str:
        return _plural(self.cpus, "CPU") + (f" and {self.gpus:g} GPU" if self.cells_per_gpu else "")


class RayExecutor:
    """The tasks of a run on a Ray cluster. Ray ends them where the run is killed.

    Raises:
        ValueError: where there is no cluster, no node that has room for a cell, or one that does not see the store.
    """

    def __init__(self, context: RunContext) -> None:
        self._ray = _connect(context.execution.address)
        self._context = context
        nodes = self._nodes()
        self._need = Need.of(context.execution, nodes)
        self._workers, self._looked_at = self._room(nodes), time.monotonic()
        if not self._workers:
            there = "; ".join(_told(node) for node in nodes) or "no node"
            raise ValueError(f"no node of the Ray cluster has room for a cell, which takes {self._need}: {there}")
        self._probe(nodes)
        most = max(self._need.room(node) for node in nodes)
        self._dispatch = Dispatch(context, self.capacity, self._need.cells_per_gpu or most)
        self._task = self._ray.remote(
            num_cpus=self._need.cpus,
            num_gpus=self._need.gpus,
            max_retries=0,  # the run counts what was lost
            max_calls=1,  # a process for each job
        )(_task)
        self._running: dict[Any, Sent] = {}

    @property
    def capacity(self) -> Capacity:
        device = "cuda" if self._need.cells_per_gpu else "cpu"
        kernels = self._context.execution.kernels
        where = f"a Ray cluster, {self._need} each"
        return Capacity(device, self._workers, self._need.cpus, kernels=kernels, elsewhere=where)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    @property
    def free(self) -> bool:
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._workers = self._room(self._nodes()) or 1  # nodes that come find a task that waits
            self._looked_at = time.monotonic()
        return len(self._running) < self._workers

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _room(self, nodes: Sequence[dict[str, Any]]) -> int:
        room, asked = sum(self._need.room(node) for node in nodes), self._context.execution.workers
        return room if asked == "auto" else min(room, asked)

    def _probe(self, nodes: Sequence[dict[str, Any]]) -> None:
        """Holds every node that has room to this machine's store and code."""
        affinity = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        place = self._context.store.root.absolute()
        while not place.exists():
            place = place.parent
        token = place / f".ray-{secrets.token_hex(8)}{TEMPORARY}"
        token.touch()
        try:
            probe = self._ray.remote(num_cpus=0, max_retries=0, max_calls=1)(_fault)
            asked = {
                probe.options(scheduling_strategy=affinity(node["NodeID"], soft=False)).remote(
                    token, code_fingerprint()
                ): node["NodeManagerHostname"]
                for node in nodes
                if self._need.room(node)
            }
            answered, silent = self._ray.wait(list(asked), num_returns=len(asked), timeout=PROBE_SECONDS)
            faults = [f"{asked[each]} does not answer" for each in silent]
            for each in answered:
                try:
                    fault = self._ray.get(each)
                except self._ray.exceptions.RayError as error:
                    fault = f"cannot run ablate: {str(error).strip().splitlines()[-1]}"
                faults += [f"{asked[each]} {fault}"] if fault else []
        finally:
            token.unlink(missing_ok=True)
        if faults:
            raise ValueError(f"the nodes of the Ray cluster cannot share the work: {'; '.join(faults)}")

    def start(self, job: Job) -> None:
        sent = self._dispatch.sent(job)
        self._running[self._task.options(name=job.label).remote(sent.request)] = sent

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        if not self._running:
            time.sleep(seconds)
            return []
        self._ray.wait(list(self._running), timeout=seconds)
        done, under_way = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        for each in under_way:
            self._end_overdue(each)
        gone = [(self._running[each].request.job, self._exit(each, self._running.pop(each))) for each in done]
        if not self._running:
            self._dispatch.over()
        return gone

    def _exit(self, task: Any, sent: Sent) -> ProcessExit:
        errors = self._ray.exceptions
        try:
            return sent.exit(self._ray.get(task))
        except errors.TaskCancelledError:
            return sent.exit(-signal.SIGKILL)
        except errors.RayTaskError as error:
            self._context.say(f"{sent.request.job.label}: {error}")
            return sent.exit(1)
        except errors.RayError as error:
            attempt = sent.request.attempt()
            start = attempt.start() if attempt else None
            where = f" on {start.host}" if start else ""
            if sent.timed_out:
                return sent.exit(-signal.SIGKILL)
            return sent.exit(-signal.SIGKILL, f"its process{where} was lost ({type(error).__name__})")

    def _end_overdue(self, task: Any) -> None:
        """Kills a job whose time is over and that does not listen."""
        sent, timeout = self._running[task], self._context.timeout_seconds
        if timeout is None or sent.told or sent.timed_out or time.time() < sent.request.since + timeout:
            return
        attempt = sent.request.attempt()
        start = attempt.start() if attempt else None
        if start and time.time() > start.time + timeout + self._context.grace_seconds:
            sent.timed_out = True
            self._ray.cancel(task, force=True)

    def stop(self) -> None:
        self._dispatch.stop()
        for task, sent in self._running.items():
            sent.told = True
            if sent.request.attempt() is None:
                self._ray.cancel(task)  # one that waits for a place; one that has begun does not hear it

    def kill(self) -> None:
        for task, sent in self._running.items():
            sent.told = True
            self._ray.cancel(task, force=True)


def _task(request: Request) -> int:
    """Is a process of a node, for one job."""
    return do(request, obey())


def _fault(token: Path, fingerprint: str) -> str:
    """Returns why the node of this process cannot take part; empty where it can."""
    if not token.exists():
        return f"does not see {token.parent}, where results go"
    return "" if code_fingerprint() == fingerprint else "has another version of ablate's code"


def _connect(address: str) -> Any:
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise AbsentError("the executor ray needs Ray: pip install '.[ray]' in the clone of ablate") from error
    if address.startswith("ray://"):
        raise ValueError(f"{address} is for Ray Client; start the run on a machine of the cluster, with --address auto")
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
        try:
            if address != "auto":
                host, _, port = address.partition(":")
                address = f"{host}:{port or PORT}"
                # Ray itself would go on trying for more than ten minutes.
                socket.create_connection((host, int(port or PORT)), timeout=CONNECT_SECONDS).close()
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ValueError(
                f"no Ray cluster answers at {address}: {str(error).strip().splitlines()[0]}\n"
                f"start one with `{START}`; one with token authentication needs RAY_AUTH_MODE=token and its token "
                "here, too (docs/cluster.md)"
            ) from error
    return ray


def _told(node: dict[str, Any]) -> str:
    cpus, gpus = (node["Resources"].get(name, 0) for name in ("CPU", "GPU"))
    return f"{node['NodeManagerHostname']} has {_plural(cpus, 'CPU')} and {_plural(gpus, 'GPU')}"


def _plural(count: float, noun: str) -> str:
    return f"{count:g} {noun}{'s' * (count != 1)}"


@executor()
def ray(context: RunContext) -> Executor:
    """Runs jobs as tasks of a Ray cluster."""
    return RayExecutor(context)
