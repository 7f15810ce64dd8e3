"""How a job ended, read from the store after its process is gone."""

from __future__ import annotations

import re
import signal
import socket
from dataclasses import dataclass
from typing import Literal, cast

from ablate.execute.worker import BUSY, DISK_FULL
from ablate.records import AttemptEnd, Environment, Status
from ablate.store import Attempt, Busy, Entry

How = Literal["done", "diverged", "failed", "interrupted", "busy", "disk_full"]


@dataclass(frozen=True)
class Death:
    """What is known of a worker's process after it ended."""

    pid: int
    exitcode: int
    seconds: float
    wanted: bool = False
    """The runner told it to stop, or killed it, because the run ends."""
    timed_out: bool = False
    """The runner killed it, because its time was over and it did not listen."""


@dataclass(frozen=True)
class Ending:
    """How a job ended, and why."""

    how: How
    step: int = 0
    seconds: float = 0.0
    cause: str | None = None

    @property
    def kind_of_cause(self) -> str:
        """The cause without its numbers, by which failures are alike."""
        return re.sub(r"\d[\d.]*", "#", (self.cause or "").split("\n")[0])


def read_ending(entry: Entry, death: Death, environment: Environment) -> Ending:
    """Reads how the job of a dead worker ended; one that could not say so itself gets its exit.json here."""
    result = entry.result()
    if result is not None:
        return Ending(cast(How, result.status.value), result.step, result.seconds, result.cause)
    if death.exitcode == BUSY:
        return Ending("busy")
    attempt = _attempt_of(entry, death.pid)
    ended = attempt.exit() if attempt else None
    if ended is None:
        ended = _settle(entry, attempt, death, environment)
    how: How = "disk_full" if death.exitcode == DISK_FULL else cast(How, ended.status.value)
    return Ending(how, ended.step, ended.seconds, ended.error)


def _attempt_of(entry: Entry, pid: int) -> Attempt | None:
    attempt = entry.last_attempt()
    if attempt is None:
        return None
    start = attempt.start()
    ours = start is not None and (start.pid, start.host) == (pid, socket.gethostname())
    return attempt if ours else None


def _settle(entry: Entry, attempt: Attempt | None, death: Death, environment: Environment) -> AttemptEnd:
    """Writes the exit.json that a killed worker could not write."""
    row = entry.last_row()
    step = row.step if row and attempt else 0
    status: Literal[Status.interrupted, Status.failed] = Status.interrupted if death.wanted else Status.failed
    error = None if death.wanted else explain(death)
    try:
        with entry.claim():
            attempt = attempt or entry.begin_attempt(environment)
            attempt.finish(status, step, death.seconds, error=error)
    except Busy:
        pass  # another runner has taken the entry over, and says itself how that ends
    except OSError as failure:
        error = f"{error or status}; and exit.json could not be written: {failure}"
    return AttemptEnd(status=status, step=step, seconds=death.seconds, error=error)


def explain(death: Death) -> str:
    """Says in a sentence why a process ended that did not say so itself."""
    if death.timed_out:
        return "timeout"
    if death.exitcode == DISK_FULL:
        return "no space left on device"
    if death.exitcode >= 0:
        return f"the worker ended with exit status {death.exitcode}; log.txt says more"
    name = signal.Signals(-death.exitcode).name
    hint = " (the kernel does that where memory runs out)" if -death.exitcode == signal.SIGKILL else ""
    return f"the worker was killed by {name}{hint}"
