"""The process that local jobs are forked from, with everything imported already."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing import forkserver, resource_tracker

from ablate.execute.interrupts import STOPS


def start_fork_server(preload: Sequence[str]) -> None:
    """Starts the process that workers are forked from, which imports `preload` once for all of them.

    It is deaf to what a terminal, a scheduler or `timeout` sends to all processes, which the runner passes on, and it
    finds the modules that this process finds. Where it runs already, it stays as it is.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(["ablate.execute.forked", *preload])
    resource_tracker.ensure_running()  # here, because it unblocks signals where it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
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
