"""How a job ended, read from the store after its process is gone."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ablate.execute.executor import ProcessExit
from ablate.execute.worker import BUSY, DISK_FULL, UNUSABLE
from ablate.records import AttemptEnd, Environment, FailureReason, ForeignError, RecordError, Status
from ablate.records.telemetry import DAMAGED_CHECKPOINT, MADE_ANEW, TRACKER_FAILED
from ablate.store import Attempt, Busy, Entry


@dataclass(frozen=True)
class JobResult:
    """How a job ended, and why."""

    status: Status
    reason: FailureReason | None = None
    step: int = 0
    seconds: float = 0.0
    cause: str | None = None
    """The reason in words."""
    notes: tuple[str, ...] = ()
    """What was found of files that were not as they should be."""
    lost: bool = False
    """Its process or machine went, for which the job is not to blame."""

    @property
    def kind_of_cause(self) -> str:
        """The cause without its numbers, by which failures are alike."""
        return re.sub(r"\d[\d.]*", "#", (self.cause or "").split("\n")[0])


def read_result(
    entry: Entry, process: ProcessExit, environment: Environment, saved_step: Callable[[Path], int]
) -> JobResult:
    """Reads how the job of a process that is gone ended; one that could not say so itself gets its exit.json here.

    `saved_step` returns the step that a checkpoint goes on from.
    """
    result = entry.result()
    if result is not None:
        return JobResult(result.status, None, result.step, result.seconds, result.cause, _notes(entry))
    if process.exitcode == BUSY:
        return JobResult(Status.running, FailureReason.busy)
    attempt = _attempt_of(entry, process)
    ended = attempt.exit() if attempt else None
    lost = bool(process.lost) and (ended is None or ended.status is Status.interrupted)
    if lost and attempt is None:
        return JobResult(Status.failed, FailureReason.killed, cause=process.lost, lost=True)
    if ended is None:
        ended = _settle(entry, attempt, process, environment, saved_step)
    reason = FailureReason.disk_full if process.exitcode == DISK_FULL else ended.reason
    return JobResult(ended.status, reason, ended.step, ended.seconds, ended.error, _notes(entry), lost)


def _notes(entry: Entry) -> tuple[str, ...]:
    """Returns what the last attempt has to say of files that were damaged and trackers that failed."""
    attempt = entry.last_attempt()
    if attempt is None:
        return ()
    with suppress(RecordError):
        found = [event for event in entry.events() if event.attempt == attempt.number]
        return tuple(event.detail for event in found if event.kind in (DAMAGED_CHECKPOINT, MADE_ANEW, TRACKER_FAILED))
    return ()


def _attempt_of(entry: Entry, process: ProcessExit) -> Attempt | None:
    attempt = entry.last_attempt()
    if attempt is None:
        return None
    start = attempt.start()
    its_own = start is not None and (start.pid, start.host) == (process.pid, process.host)
    return attempt if its_own else None


def _settle(
    entry: Entry,
    attempt: Attempt | None,
    process: ProcessExit,
    environment: Environment,
    saved_step: Callable[[Path], int],
) -> AttemptEnd:
    """Writes the exit.json that a killed worker could not write."""
    status: Literal[Status.interrupted, Status.failed] = Status.interrupted if process.wanted else Status.failed
    if process.wanted:
        step = saved_step(entry.checkpoint) if entry.checkpoint.exists() else 0
        reason, error = FailureReason.killed, f"it was ended before it saved its state, and goes on from step {step}"
    else:
        row = entry.last_row()
        step = row.step if row and attempt else 0
        reason, error = explain(process)
    try:
        with entry.claim():
            attempt = attempt or entry.begin_attempt(environment)
            attempt.finish(status, step, process.seconds, reason, error)
    except Busy:
        pass  # another runner has taken the entry over, and says itself how that ends
    except (OSError, ForeignError) as failure:
        error = f"{error or status}; and exit.json could not be written: {failure}"
    return AttemptEnd(status=status, reason=reason, step=step, seconds=process.seconds, error=error)


def explain(process: ProcessExit) -> tuple[FailureReason, str]:
    """Returns why a process ended that did not say so itself, also in a sentence."""
    if process.timed_out:
        return FailureReason.timeout, "timeout"
    if process.lost:
        return FailureReason.killed, process.lost
    if process.exitcode == DISK_FULL:
        return FailureReason.disk_full, "no space left on device"
    if process.exitcode == UNUSABLE:
        return FailureReason.error, "a file of its directory could not be written; the worker said which"
    if process.exitcode >= 0:
        return FailureReason.killed, f"the worker ended with exit status {process.exitcode}; log.txt says more"
    name = signal.Signals(-process.exitcode).name
    hint = " (the kernel does that where memory runs out)" if -process.exitcode == signal.SIGKILL else ""
    return FailureReason.killed, f"the worker was killed by {name}{hint}"
