"""A task of a Slurm array: jobs one after another, a process each; queued again where its time is over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ablate.execute.executor import ProcessExit
from ablate.execute.fork_server import start_fork_server
from ablate.execute.remote import Request, do
from ablate.execute.worker import die_with_runner, obey

WARNING = signal.SIGUSR1
"""What Slurm sends some time before it ends a task."""
TURN_SECONDS = 0.2


@dataclass
class ArrayTask:
    """What submitit pickles, and calls where the task runs; `preload` is imported once for all its jobs."""

    requests: tuple[Request, ...]
    preload: tuple[str, ...]

    def __call__(self) -> dict[str, ProcessExit]:
        """Does the jobs and returns how the process of each ended, by id.

        After a warning the job saves its state, and submitit queues the task again, where it begins with what is left.
        SIGTERM is of a task that is cancelled, or preempted, when Slurm queues it again itself: it says nothing more.
        """
        queue_again: Any = signal.getsignal(WARNING)
        signals: list[int] = []
        for number in (WARNING, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: signals.append(number))
        start_fork_server(self.preload)
        exits: dict[str, ProcessExit] = {}
        for request in self.requests:
            if signals or request.stopped:
                break
            if not request.ended():
                exits[request.job.id] = _in_a_process(request, lambda: bool(signals))
        if signals and not all(request.ended() for request in self.requests):
            if WARNING in signals and not self.requests[0].stopped:
                signal.signal(WARNING, queue_again)
                signal.raise_signal(WARNING)
            os._exit(128 + signal.SIGTERM)
        # What comes while the interpreter ends, which puts defaults in its handlers' place, fails no finished task.
        for number in (WARNING, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        return exits

    def checkpoint(self) -> Any:
        """Returns what is queued again; called by submitit."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _in_a_process(request: Request, asked: Callable[[], bool]) -> ProcessExit:
    process = multiprocessing.get_context("forkserver").Process(target=_main, args=(request,))
    began = time.monotonic()
    process.start()
    assert process.pid is not None, "it was started"
    told = False
    while process.exitcode is None:
        process.join(TURN_SECONDS)
        if asked() and not told:
            told = True
            process.terminate()
    return ProcessExit(process.pid, process.exitcode, time.monotonic() - began)


def _main(request: Request) -> None:
    die_with_runner()
    sys.exit(do(request, obey()))
