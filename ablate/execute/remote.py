"""Jobs on other machines: what is sent there, how it is done there, and what the store says of it here."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ablate.atomic import TEMPORARY
from ablate.execute.capacity import Capacity
from ablate.execute.environment import provenance
from ablate.execute.executor import ProcessExit, RunContext
from ablate.execute.jobs import Job
from ablate.execute.worker import BUSY, Conditions, do_job
from ablate.records import Status
from ablate.records.declared import Kernels
from ablate.store import Attempt, Store
from ablate.terms import Term
from ablate.train.outcome import Outcome

SEEN_SECONDS = 10.0
"""How long a plan that was written just now may take to be seen on another machine."""


@dataclass(frozen=True)
class Request:
    """A job as another machine gets it, pickled: all that it needs beside the store."""

    function: Callable[..., Outcome]
    job: Job
    store: Store
    """With an absolute path, which all machines see."""
    device: str
    threads: int
    cells_at_once: int
    """How many cells share a device at most."""
    stop_file: Path
    """Asks the job to save its state and end, by being there."""
    attempts: int
    """How many attempts at the job there were before it was sent."""
    kernels: Kernels = "auto"
    trackers: tuple[Term, ...] = ()
    timeout_seconds: float | None = None
    since: float = field(default_factory=time.time)
    """When it was made, in seconds since 1970; it may wait in a queue for hours."""

    @property
    def stopped(self) -> bool:
        """Whether the run shall end."""
        return self.stop_file.exists()

    def attempt(self) -> Attempt | None:
        """Returns the last attempt since the job was sent, None where it was not begun."""
        attempts = self.job.entry(self.store).attempts()
        return attempts[-1] if len(attempts) > self.attempts else None

    def ended(self) -> bool:
        """Says whether it has a result, or failed by itself, since it was sent; one that was interrupted goes on."""
        if self.job.entry(self.store).readable_result() is not None:
            return True
        attempt = self.attempt()
        end = attempt.exit() if attempt else None
        return end is not None and end.status is not Status.interrupted


def do(request: Request, asked: Callable[[], bool]) -> int:
    """Does a job in this process, which is its own; returns its exit status.

    BUSY where the run was stopped or the job cancelled before it began, or another process holds it. What the job
    raises is recorded.
    """
    if asked() or request.stopped:
        return BUSY
    try:
        _require_seen(request.store)
        environment = provenance(request.device, request.threads).noting(cells_at_once=request.cells_at_once)
        conditions = Conditions(
            request.device,
            request.threads,
            0 if request.device == "cuda" else None,  # the first that the cluster lets this process see
            environment,
            request.timeout_seconds,
            request.kernels,
            request.trackers,
            request.since,
        )
        return do_job(request.function, request.job, request.store, conditions, lambda: asked() or request.stopped)
    except (Exception, SystemExit):  # noqa: BLE001 - the last words of the process
        traceback.print_exc()
        sys.stderr.flush()
        return 1


def _require_seen(store: Store) -> None:
    """Refuses to train into a directory that only this machine sees."""
    end = time.monotonic() + SEEN_SECONDS
    while not (store.path / "plan.json").exists():
        if time.monotonic() > end:
            raise FileNotFoundError(f"{socket.gethostname()} does not see {store.path}; all machines need one store")
        time.sleep(0.5)


@dataclass
class Sent:
    """A job under way elsewhere."""

    request: Request
    told: bool = False
    timed_out: bool = False

    def exit(self, exitcode: int, lost: str = "") -> ProcessExit:
        """Returns how its process ended, under the number and host that its own attempt has."""
        attempt = self.request.attempt()
        start = attempt.start() if attempt else None
        if attempt is None and (self.told or exitcode == BUSY):
            return ProcessExit(0, BUSY, 0.0)  # it was never begun
        end = attempt.exit() if attempt else None
        if not self.told and not lost and end is not None and end.status is Status.interrupted:
            entry = self.request.job.entry(self.request.store)
            lost = "" if entry.cancelled(self.request.since) else "its machine asked it to end, and it saved its state"
        pid, host, began = (start.pid, start.host, start.time) if start else (0, "", time.time())
        seconds = max(0.0, time.time() - began)
        return ProcessExit(pid, exitcode, seconds, self.told, self.timed_out, host, "" if self.told else lost)


class Dispatch:
    """Makes the requests of a run, all with one stop file."""

    def __init__(self, context: RunContext, capacity: Capacity, cells_at_once: int) -> None:
        self._context, self._capacity, self._cells_at_once = context, capacity, cells_at_once
        self.store = Store(context.store.root.absolute(), context.store.grid)
        self._stop_file = self.store.path / f".stop-{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"

    def sent(self, job: Job) -> Sent:
        """Returns a job as it is to be sent."""
        request = Request(
            function=self._context.work.function,
            job=job,
            store=self.store,
            device=self._capacity.device,
            threads=self._capacity.threads,
            cells_at_once=self._cells_at_once,
            stop_file=self._stop_file,
            attempts=len(job.entry(self.store).attempts()),
            kernels=self._capacity.kernels,
            trackers=self._context.execution.trackers,
            timeout_seconds=self._context.timeout_seconds,
        )
        return Sent(request)

    def stop(self) -> None:
        """Asks all jobs of the run to save their state and end."""
        self._stop_file.touch()

    def over(self) -> None:
        """Takes the stop file away, once no job looks for it any more."""
        self._stop_file.unlink(missing_ok=True)
