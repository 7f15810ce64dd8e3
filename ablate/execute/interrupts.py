"""Signals that ask for an end: the first means stop well, one that comes two seconds later means stop now."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any, Self

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""From a terminal, `kill`, `timeout`, a terminal that closes, and schedulers that warn before they end a job."""
SAME_STOP_SECONDS = 2.0
"""How long further signals are the same stop: an ssh that drops, and `timeout`, send two, milliseconds apart."""


class Interrupts:
    """Counts the stops that were asked for while the block runs; the third is an ordinary KeyboardInterrupt."""

    def __init__(self) -> None:
        self.count = 0
        self._last = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in STOPS:
            # nohup ignores SIGHUP for us, and a shell SIGINT for a job in the background.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.count and now - self._last < SAME_STOP_SECONDS:
            return
        self._last = now
        self.count += 1
        if self.count > 2:
            raise KeyboardInterrupt
