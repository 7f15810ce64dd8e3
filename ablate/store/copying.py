"""Directories copied whole: durably, under the lock of what they replace, and without what was being written."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ablate import atomic
from ablate.store.entry import Entry
from ablate.store.parts import transient


def claimed(target: Entry) -> AbstractContextManager[None]:
    """Holds an entry that is to be replaced, where there is one.

    Raises:
        Busy: where another process holds it.
    """
    return target.claim() if target.path.is_dir() else nullcontext()


def put(stage: Path, target: Entry) -> None:
    """Puts a whole copy in the place of an entry, whose lock is held where there is one."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    with claimed(target):
        if target.path.is_dir():
            os.rename(target.path, stage.with_name(f"{stage.name}-before"))
        os.rename(stage, target.path)
    atomic.fsync_directory(target.path.parent)


def copy_tree(source: Path, target: Path) -> None:
    """Copies a directory with the times of its files, without locks and what was being written."""

    def left_out(_directory: str, names: list[str]) -> list[str]:
        return [name for name in names if transient(name)]

    shutil.copytree(source, target, ignore=left_out, copy_function=_copy_durably)


def _copy_durably(source: str, target: str) -> None:
    shutil.copy2(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
