"""Two times of a call: how long the device works, and how long the caller waits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import torch

Thunk = Callable[[], object]
Quantity = Literal["device", "call"]
QUANTITIES: tuple[Quantity, ...] = ("device", "call")
NOMINAL_HERTZ = 2e9


class Timing(NamedTuple):
    """Seconds of one call; `gaps` says that the device waited for the host in between."""

    device: float
    call: float
    gaps: bool = False


class Clock(Protocol):
    """Times a few calls one after the other.

    Attributes:
        primary: which of the two times ratios and verdicts are about.
        meaning: how the device time is taken, in words.
    """

    primary: Quantity
    meaning: str

    def time(self, calls: Callable[[], Sequence[Thunk]]) -> Timing:
        """Returns the times of one call; `calls` is asked for each pass anew, so that a pass finds cold inputs."""

    def megahertz(self) -> float | None:
        """Reads the device's clock rate, and changes nothing; None where it cannot be read."""


class ProcessorClock:
    """Processor time of the whole process, whatever threads it has, beside the wall clock.

    With one thread the processor time is primary, which other processes disturb least; with several it would count a
    kernel that uses them as slower, and the wall clock is primary.
    """

    def __init__(self, threads: int) -> None:
        self.primary: Quantity = "device" if threads == 1 else "call"
        self.meaning = "processor time of the process"

    def time(self, calls: Callable[[], Sequence[Thunk]]) -> Timing:
        """Runs the calls once."""
        thunks = calls()
        began, worked = time.perf_counter(), time.process_time()
        for thunk in thunks:
            thunk()
        worked, elapsed = time.process_time() - worked, time.perf_counter() - began
        return Timing(worked / len(thunks), elapsed / len(thunks))

    def megahertz(self) -> float | None:
        """Returns None: the cores of a CPU have clocks of their own."""
        return None


class CudaClock:
    """Events around calls that were queued behind a kernel that waits, beside the wall clock of unhindered calls.

    The waiting kernel holds the stream until everything is launched, so that launch gaps are not counted as work of
    the device. Where it ends too early, because the queue is full or the host slow, the sample is marked.
    """

    primary: Quantity = "device"
    meaning = "between events around queued calls"

    def time(self, calls: Callable[[], Sequence[Thunk]]) -> Timing:
        """Runs the calls twice, for the caller's time and for the device's."""
        thunks = calls()
        torch.cuda.synchronize()
        began = time.perf_counter()
        for thunk in thunks:
            thunk()
        torch.cuda.synchronize()
        elapsed = time.perf_counter() - began
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        thunks = calls()
        torch.cuda._sleep(int(2 * NOMINAL_HERTZ * (elapsed + 1e-4)))
        start.record()
        for thunk in thunks:
            thunk()
        gaps = start.query()
        end.record()
        end.synchronize()
        return Timing(1e-3 * start.elapsed_time(end) / len(thunks), elapsed / len(thunks), gaps)

    def megahertz(self) -> float | None:
        """Returns the multiprocessors' clock, where NVML tells it."""
        return sensor(torch.cuda.clock_rate)


def sensor(reading: Callable[[], float]) -> float | None:
    """Reads one of the GPU's sensors; None where NVML is not installed, or does not have this one for this GPU."""
    nvml = sys.modules.get("pynvml")  # which torch has imported where it is installed
    unsaid = (nvml.NVMLError,) if nvml else ()
    try:
        return float(reading())
    except (ModuleNotFoundError, RuntimeError, *unsaid):
        return None


def clock_for(device: str, threads: int) -> Clock:
    """Returns the clock of a device."""
    return ProcessorClock(threads) if device == "cpu" else CudaClock()
