"""The process of one job: claims the entry, records the attempt, obeys a stop, and dies with its runner."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.execute.environment import accelerator
from ablate.execute.interrupts import STOPS
from ablate.execute.jobs import Job
from ablate.execute.work import Assignment
from ablate.plugins.load import load_installed, place_in
from ablate.records import Environment, FailureReason, Status
from ablate.records.declared import Kernels
from ablate.records.telemetry import MADE_ANEW
from ablate.store import Attempt, Busy, Entry, Store
from ablate.store.plugins import require
from ablate.store.seal import begin_again
from ablate.terms import Term
from ablate.train.outcome import Outcome

BUSY = 75
"""Exit status of a worker that left its job alone: another process holds the entry, or it was cancelled before."""
DISK_FULL = 74
"""Exit status of a worker that found the disk full."""
UNUSABLE = 73
"""Exit status of a worker that could not write into its entry for another reason, which it printed."""
FULL = (errno.ENOSPC, errno.EDQUOT)
NEARLY_FULL_BYTES = 1 << 16
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Conditions:
    """The conditions that an executor sets for a job."""

    device: str
    threads: int
    gpu: int | None
    environment: Environment
    timeout_seconds: float | None = None
    kernels: Kernels = "auto"
    trackers: tuple[Term, ...] = ()
    since: float = field(default_factory=time.time)
    """When the job was given out, in seconds since 1970: who asked for its end later meant this one."""


@dataclass(frozen=True)
class Stop:
    """Says whether the job shall stop: it was asked to, or its time is over."""

    asked: Callable[[], bool]
    deadline: float | None
    entry: Entry
    since: float
    """From when on asking for its end counts, in seconds since 1970."""

    @property
    def cancelled(self) -> bool:
        return self.entry.cancelled(self.since)

    @property
    def overdue(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def __call__(self) -> bool:
        return self.asked() or self.overdue or self.cancelled


def main(function: Callable[..., Outcome], job: Job, store: Store, conditions: Conditions) -> None:
    """Is the process of a job on the runner's machine; ends with the exit status of `do_job`."""
    die_with_runner()
    sys.exit(do_job(function, job, store, conditions, obey()))


def do_job(
    function: Callable[..., Outcome], job: Job, store: Store, conditions: Conditions, asked: Callable[[], bool]
) -> int:
    """Does a job from its claim to its exit.json, in this process.

    Args:
        function: does the work; see `Work`.
        job: what to do.
        store: where.
        conditions: that the executor sets.
        asked: whether the job shall save its state and end.

    Returns:
        The exit status for the process: BUSY where another one holds the job or it was cancelled before it began,
        DISK_FULL or UNUSABLE where its files could not be written, or 0.
    """
    timeout = conditions.timeout_seconds
    entry = job.entry(store)
    stop = Stop(asked, time.monotonic() + timeout if timeout else None, entry, conditions.since)
    try:
        if stop.cancelled:
            return BUSY
        with entry.claim():
            again = begin_again(entry) if job.kind != "cell" else None
            return 0 if entry.result() else _attempt(function, job, store, entry, conditions, stop, again)
    except Busy:
        return BUSY
    except OSError as error:
        if disk_is_full(error, store.root):
            return DISK_FULL
        sys.stderr.write(f"{job.label}: {error}\n")  # its log.txt is not open yet
        return UNUSABLE


def _attempt(
    function: Callable[..., Outcome],
    job: Job,
    store: Store,
    entry: Entry,
    conditions: Conditions,
    stop: Stop,
    again: str | None,
) -> int:
    if conditions.gpu is not None:
        _use_gpu(conditions.gpu)
    entry.write_settings(job.settings)
    attempt = entry.begin_attempt(conditions.environment)
    assignment = Assignment(
        conditions.device, conditions.threads, attempt.number, conditions.kernels, conditions.trackers
    )
    began = time.monotonic()
    with output_to(attempt.log_path):
        if again:
            sys.stdout.write(f"{again}\n")
            entry.append_event(0, MADE_ANEW, again)
        try:
            if conditions.gpu is not None and conditions.device == "cuda":
                for name, fact in accelerator().items():
                    attempt.note(name, fact)
            load_installed()
            require(store.path, job.plugins)
            outcome = function(job, store, assignment, stop)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - recorded as the failure that it is
            traceback.print_exc()
            full = disk_is_full(error, store.root)
            _failed(
                entry,
                attempt,
                error,
                time.monotonic() - began,
                FailureReason.disk_full if full else FailureReason.error,
            )
            return DISK_FULL if full else 0
        _ended(entry, attempt, outcome, stop)
    return 0


def _ended(entry: Entry, attempt: Attempt, outcome: Outcome, stop: Stop) -> None:
    interrupted = outcome.status is Status.interrupted
    if interrupted and stop.cancelled:
        attempt.finish(outcome.status, outcome.step, outcome.seconds, error="it was cancelled")
        return
    if interrupted and not stop.asked() and stop.overdue:
        attempt.finish(Status.failed, outcome.step, outcome.seconds, FailureReason.timeout, "timeout")
        return
    assert interrupted or entry.result() is not None, f"{outcome} without a result.json"
    attempt.finish(outcome.status, outcome.step, outcome.seconds, error=outcome.cause)


def _failed(entry: Entry, attempt: Attempt, error: BaseException, seconds: float, reason: FailureReason) -> None:
    row = entry.last_row()
    text = "".join(traceback.format_exception(error))
    cause = f"{type(error).__name__}: {error}"
    if (place := place_in(error)) and place not in cause:
        cause += f" ({place})"
    attempt.finish(Status.failed, row.step if row else 0, seconds, reason, cause, traceback=text)


def die_with_runner() -> None:
    """Makes the kernel and a thread end this process when the fork server or the runner dies, however they die."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it died before the kernel was told to watch it
    runner = multiprocessing.parent_process()
    assert runner is not None, "a worker is started by multiprocessing"
    # The kernel watches the fork server, which is the parent, and which lives as long as any worker holds its pipe.
    threading.Thread(target=_follow, args=(runner,), daemon=True).start()


def _follow(runner: Any) -> None:
    runner.join()
    os.kill(os.getpid(), signal.SIGKILL)


def obey() -> Callable[[], bool]:
    """Returns whether a signal that asks for an end has come; Ctrl-C in the terminal is the runner's to handle."""
    asked: list[int] = []
    for number in STOPS:
        signal.signal(number, lambda number, _frame: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The fork server is started with these blocked, which its children inherit.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    return lambda: bool(asked)


@contextlib.contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Sends all that this process and its libraries print, now and until it ends, into a file: UTF-8 in any locale."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
        for number in (1, 2)
    )
    faulthandler.enable(sys.stderr)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def disk_is_full(error: BaseException | None, root: Path) -> bool:
    """Says whether an error comes from a full disk, also where a library hid the reason (torch does)."""
    full = False
    while error is not None:
        full = full or (isinstance(error, OSError) and error.errno in FULL)
        error = error.__cause__ or error.__context__
    return full or (root.exists() and shutil.disk_usage(root).free < NEARLY_FULL_BYTES)


def _use_gpu(index: int) -> None:
    """Hides all GPUs but one, before CUDA is first used."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(number) for number in range(index + 1)] if visible is None else visible.split(",")
    os.environ["CUDA_VISIBLE_DEVICES"] = names[index].strip()
