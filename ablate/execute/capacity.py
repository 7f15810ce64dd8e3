"""How many jobs run at once, on which device and with how many threads each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from ablate.cores import cores
from ablate.records import Execution
from ablate.records.declared import Kernels, seconds
from ablate.registry import unknown

GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
CHOICES = {"device": "device", "kernels": "choice of kernels"}
"""Settings that are one of a few words, and what an unknown one is called."""
MAX_GPU_THREADS = 8
"""More threads than this do nothing for a job whose work is on a GPU."""


@dataclass(frozen=True)
class Capacity:
    """Device, workers and threads of a run."""

    device: str
    workers: int
    threads: int
    gpus: int = 0
    kernels: Kernels = "auto"
    elsewhere: str = ""
    """What workers run on where that is not this machine."""

    def gpu(self, slot: int) -> int | None:
        """Returns which of the visible GPUs the jobs of a worker run on; None on the CPU."""
        return slot % self.gpus if self.gpus else None

    @property
    def cells_at_once(self) -> int:
        """How many cells share a device at most; only one that has it to itself says what training costs."""
        return -(-self.workers // max(1, self.gpus))

    def idle_cores(self, cells: int) -> str | None:
        """Says what would make use of the cores where that many cells leave half of them idle, and None elsewhere."""
        used, there = min(self.workers, cells) * self.threads, cores()
        if self.elsewhere or self.gpus or not cells or 2 * used > there:
            return None
        more = there // min(self.workers, cells)
        return (
            f"{there - used} of {there} cores stay idle; --threads {more} would train a cell faster, but sums round "
            "otherwise then, which moves a result like another seed: one number for a whole grid"
        )

    def __str__(self) -> str:
        where = self.elsewhere or (f"{self.gpus} GPU{'s' * (self.gpus > 1)}" if self.gpus else "the CPU")
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        return f"{workers} of {self.threads} thread{'s' * (self.threads > 1)} on {where}"


def capacity(
    device: str = "auto", workers: int | None = None, threads: int | None = None, cells_per_gpu: int = 1
) -> Capacity:
    """Chooses what is not given.

    On the CPU one worker a core with one thread each: two one-thread workers beat one with two threads, and a training
    on two threads ends elsewhere than on one, as far as with another seed. So a result depends neither on how many
    workers there are nor on how many cores. On a GPU one cell at a time, so that costs are measured alone.

    Raises:
        ValueError: where cuda is asked for and there is none, or a number is below 1.
    """
    for name, value in (("workers", workers), ("threads", threads), ("cells_per_gpu", cells_per_gpu)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"unknown device {device!r} (there is: auto, cpu, cuda)")
    gpus = 0 if device == "cpu" else _gpus(certain=device == "cuda")
    if device == "cuda" and not gpus:
        raise ValueError('device "cuda" was asked for, and torch sees no GPU here; use device "cpu" or "auto"')
    if gpus:
        workers = workers or gpus * cells_per_gpu
        return Capacity("cuda", workers, threads or max(1, min(MAX_GPU_THREADS, cores() // workers)), gpus)
    threads = threads or 1
    return Capacity("cpu", workers or max(1, cores() // threads), threads)


def capacity_of(execution: Execution) -> Capacity:
    """Returns the capacity of this machine that settings ask for; raises as `capacity` does."""
    found = capacity(execution.device, _count(execution.workers), _count(execution.threads), execution.cells_per_gpu)
    return replace(found, kernels=execution.kernels)


def chosen(execution: Execution, **options: Any) -> Execution:
    """Returns the settings of a grid with what the command line says in their place, where that is not None.

    Raises:
        ValueError: for a device or kernels that there are not, or what is no time.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "time" in given:
        given["time"] = seconds(given["time"])
    for name, what in CHOICES.items():
        there = get_args(Execution.model_fields[name].annotation)
        if name in given and given[name] not in there:
            raise ValueError(unknown(what, str(given[name]), list(there)))
    return execution.model_copy(update=given)


def _count(value: int | str) -> int | None:
    return None if isinstance(value, str) else value


def _gpus(certain: bool) -> int:
    # Importing torch takes seconds; where no driver is loaded the answer is known without.
    if not certain and not any(Path(driver).exists() for driver in GPU_DRIVERS):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
