"""A time budget that holds also where nobody looks at the clock, as in a compilation."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(KeyboardInterrupt):
    """The budget has ended. It passes everything that catches errors, as Ctrl-C does."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in the block when time is up; in the main thread, where alone a signal can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
