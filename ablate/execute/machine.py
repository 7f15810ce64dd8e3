"""Findings about this machine and a store before a run: cores, memory, GPU, disk, output, locks."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ablate.cores import cores
from ablate.execute.capacity import capacity
from ablate.execute.plan import Plan
from ablate.store import Status, Store, lock
from ablate.train.finding import Finding

LITTLE_DISK_BYTES = 1 << 30
GIB = 1 << 30
FLOAT_BYTES = 4


def inspect_machine(runs_dir: Path) -> Iterator[Finding]:
    """Looks at what every run needs, whatever its grid."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding("processor", "ok", f"{cores()} cores, {memory / GIB:.1f} GiB of memory: {capacity('cpu')}")
    yield _gpu()
    yield _disk(runs_dir)
    yield _locking(runs_dir)
    yield _output()


def inspect_store(plan: Plan, store: Store) -> Iterator[Finding]:
    """Looks at what lies in the store for a plan, and at whether the disk holds what is still to come."""
    entries = [store.cell(point.id) for point in plan.points]
    statuses = [entry.status() for entry in entries]
    held = [entry.path.name for entry, status in zip(entries, statuses, strict=True) if status is Status.running]
    failed = statuses.count(Status.failed)
    if held:
        advice = "that is no harm: an `ablate run` here takes the others"
        yield Finding("locks", "warning", f"another process holds {', '.join(held[:3])}", advice)
    else:
        yield Finding("locks", "ok", "no cell is held by another process")
    if failed:
        advice = "`ablate show GRID CELL` says why; a run tries them again"
        yield Finding("failed", "warning", f"{failed} cells failed when they last ran", advice)
    yield _room(plan, store, sum(status not in (Status.done, Status.diverged) for status in statuses))


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Finding("gpu", "ok", ", ".join(names))
    built = torch.version.cuda
    why = (
        f"torch {torch.__version__} is built for CUDA {built} and sees none" if built else "torch is built without CUDA"
    )
    return Finding("gpu", "ok", f"none, runs use the CPU ({why})")


def _output() -> Finding:
    encoding = codecs.lookup(sys.stdout.encoding or "ascii").name
    if encoding.startswith("utf"):
        return Finding("output", "ok", f"takes any character ({encoding})")
    advice = "what it lacks is shown as ?; PYTHONIOENCODING=utf-8 sends everything"
    return Finding("output", "warning", f"its encoding is {encoding}", advice)


def _disk(runs_dir: Path) -> Finding:
    place, free = _free(runs_dir)
    if not os.access(place, os.W_OK):
        return Finding("disk", "problem", f"{place} cannot be written to", "choose another directory with --runs-dir")
    if free < LITTLE_DISK_BYTES:
        return Finding("disk", "warning", f"{free / GIB:.2f} GiB free at {place}", "a full disk ends a run; free some")
    return Finding("disk", "ok", f"{free / GIB:.1f} GiB free at {place}")


def _locking(runs_dir: Path) -> Finding:
    place, _ = _free(runs_dir)
    if not os.access(place, os.W_OK):
        return Finding("locking", "warning", f"not tried: {place} cannot be written to")
    if distrust := lock.trial(place):
        return Finding("locking", "warning", distrust, lock.STAND_IN)
    return Finding("locking", "ok", f"locks of {place} hold others off")


def _free(directory: Path) -> tuple[Path, int]:
    """Returns the directory, or the first above it that exists, and how many bytes are free there."""
    place = next(parent for parent in (directory.absolute(), *directory.absolute().parents) if parent.exists())
    return place, shutil.disk_usage(place).free


def _room(plan: Plan, store: Store, unfinished: int) -> Finding:
    """Compares the free space with the weights that are kept and the checkpoints of the cells under way."""
    from ablate.config import Cell
    from ablate.evaluate.parameters import count_parameters

    largest = 0
    shapes = {str(point.cell["model"]) + str(point.cell["discriminator"]): point.cell for point in plan.points}
    for cell in shapes.values():
        counts = count_parameters(Cell.model_validate(cell))
        judging = counts.pop("discriminator")
        # Weights, their average and Adam's two moments; the discriminators have no average.
        largest = max(largest, FLOAT_BYTES * (4 * sum(counts.values()) + 3 * judging))
    needed = largest * unfinished
    _, free = _free(store.root)
    found = f"{unfinished} unfinished cells need up to {needed / GIB:.2f} GiB, {free / GIB:.1f} GiB are free"
    if needed > free:
        return Finding("room", "problem", found, "the run would end at a full disk, and go on once there is room")
    return Finding("room", "ok", found)
