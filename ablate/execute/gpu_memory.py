"""Free memory of GPUs, as their driver says it: asked without taking any."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence

ASK_SECONDS = 5.0
"""How long an answer is believed: asking takes part of a second."""
MIB = 1 << 20
CONTEXT_BYTES = 600 * MIB
"""What CUDA and its libraries take in each process beside its tensors."""
FRAGMENTS = 1.2
"""How much more than its tensors a process holds: blocks of its allocator that are part empty."""

Ask = Callable[[], Sequence[int] | None]


class Room:
    """Says whether a GPU has room for one more cell of those that run."""

    def __init__(self, gpus: int, peak: int | None, ask: Ask) -> None:
        self._gpus = gpus
        self._peak = peak
        """Bytes of tensors that the largest finished cell had at once; None before the first."""
        self._ask = ask
        self._free: Sequence[int] | None = None
        self._asked_at = -ASK_SECONDS

    def learn(self, peak: int | None) -> None:
        """Takes in what a cell that finished has needed."""
        self._peak = max(self._peak or 0, peak or 0) or None

    @property
    def needed(self) -> int | None:
        """Bytes that a cell takes, None before one has finished."""
        return int(self._peak * FRAGMENTS) + CONTEXT_BYTES if self._peak else None

    def for_another(self, gpu: int, running: int) -> bool:
        """Says whether a cell fits beside those that run on a GPU already.

        The first one is not held up by what nobody knows; a further one waits until it is known what cells need.
        """
        free, needed = self.free(gpu), self.needed
        if not running:
            return free is None or needed is None or free >= needed
        return needed is not None and free is not None and free >= needed

    def free(self, gpu: int) -> int | None:
        """Returns the free bytes of one of the visible GPUs, None where the driver does not say."""
        now = time.monotonic()
        if now - self._asked_at >= ASK_SECONDS:
            self._free, self._asked_at = self._ask(), now
        return self._free[gpu] if self._free is not None and gpu < len(self._free) else None

    def taken(self, gpu: int) -> None:
        """Notes that a cell was started, which takes its memory only in a while."""
        if self._free is not None and self.needed is not None and gpu < len(self._free):
            free = list(self._free)
            free[gpu] -= self.needed
            # The next answer counts once the cell has had the time to take what it needs.
            self._free, self._asked_at = free, time.monotonic() + ASK_SECONDS


def ask_driver() -> Sequence[int] | None:
    """Returns the free bytes of each visible GPU, None where nvidia-smi is not there or does not say."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        rows = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines()]
        free = {name: int(memory) * MIB for index, uuid, memory in rows for name in (index, uuid)}
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        names = [index for index, _, _ in rows] if visible is None else visible.split(",")
        return [free[name.strip()] for name in names]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None
