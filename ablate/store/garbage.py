"""What a results directory no longer needs: what no plan names, and states of trainings that are finished."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ablate.atomic import TEMPORARY
from ablate.records import PlanRecord, RecordError
from ablate.store.entry import Entry
from ablate.store.layout import Store, named, stores
from ablate.store.lease import Busy
from ablate.store.parts import decoded_data, digests, files

Why = Literal["no plan names it", "its training is finished", "nobody writes it any more", "it was asked for"]
ABANDONED_SECONDS = 86400.0
"""How old what was being written must be, so that nobody writes it any more."""


@dataclass(frozen=True)
class Garbage:
    """A file or directory that may go, and why."""

    path: Path
    why: Why
    bytes: int
    entry: Entry | None = None
    """The cell or warm-up that it is, or that it lies in."""


def find_garbage(root: Path) -> tuple[list[Garbage], list[str]]:
    """Returns what may go, and sentences about what was left because a plan cannot be read.

    A cell is named by the plan of its own grid or by what was tuned there, warm-ups and images by the plan of any grid.
    What a process is at stays, and so do measured folders and states that tuning may go on from.
    """
    found: list[Garbage] = []
    notes: list[str] = []
    plans: dict[str, PlanRecord] = {}
    for grid in sorted({store.grid for store in stores(root)} | set(named(root))):
        try:
            plan = Store(root, grid).plan()
        except RecordError as error:
            notes.append(f"{grid} was left as it is, and so was what grids share: {error}")
            continue
        if plan is None:
            notes.append(f"{grid} was left as it is, and so was what grids share: it has no plan.json")
            continue
        try:
            found += _of_grid(Store(root, grid), plan)
        except RecordError as error:
            notes.append(f"{grid} was left as it is, and so was what grids share: {error}")
            continue
        plans[grid] = plan
    if not notes:
        found += _shared(root, plans)
    return [*found, *_abandoned(root)], notes


def remove(garbage: Garbage) -> bool:
    """Deletes it, unless it, or a measurement in it, is in use now; says whether it is gone."""
    try:
        with ExitStack() as holding:
            for place in _places(garbage):
                holding.enter_context(place.claim())
            discard(garbage.path)
    except Busy:
        return False
    return True


def _places(garbage: Garbage) -> tuple[Entry, ...]:
    """Returns whose locks are needed to delete it."""
    if garbage.entry is None:
        return ()
    return garbage.entry.places() if garbage.path == garbage.entry.path else (garbage.entry,)


def discard(path: Path) -> None:
    """Deletes a file, or a directory: out of its place at once, then what it holds."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    gone = path.with_name(f".{path.name}-{secrets.token_hex(4)}{TEMPORARY}")
    os.rename(path, gone)
    shutil.rmtree(gone)


def _of_grid(store: Store, plan: PlanRecord) -> Iterator[Garbage]:
    kept = planned(store, plan)
    going_on = {point.id for point in plan.points if point.part == "trial"}
    for entry in store.cells():
        if entry.path.name not in kept:
            yield _whole(entry)
        elif entry.path.name not in going_on:
            yield from _states(entry)


def planned(store: Store, plan: PlanRecord) -> set[str]:
    """Returns the ids of the cells that a grid has now, with those of its tuning and those whose weights it takes."""
    tuning = store.tuning()
    trials = {
        cell for arm in (tuning.arms if tuning else ()) for trial in arm.trials for rung in trial.cells for cell in rung
    }
    origins = {point.cell.get("train", {}).get("start", {}).get("cell") for point in plan.points} - {None}
    return trials | origins | {point.id for point in plan.points}


def _shared(root: Path, plans: dict[str, PlanRecord]) -> Iterator[Garbage]:
    used = {name for plan in plans.values() for name in plan.warmups}
    for path in sorted((root / ".shared" / "warmups").glob("[!.]*")):
        entry = Entry(path, path.name)
        if path.name not in used:
            yield _whole(entry)
        else:
            yield from _states(entry)
    seen = {digest for plan in plans.values() for digest in digests(plan)}
    for path, digest in decoded_data(root / ".shared" / "data"):
        if digest not in seen:
            yield Garbage(path, "no plan names it", size(path))


def _whole(entry: Entry) -> Garbage:
    return Garbage(entry.path, "no plan names it", size(entry.path), entry)


def of_cell(entry: Entry) -> Garbage:
    """Returns a cell that somebody wants to be rid of."""
    return Garbage(entry.path, "it was asked for", size(entry.path), entry)


def _states(entry: Entry) -> Iterator[Garbage]:
    if entry.readable_result() is None:
        return
    for path in sorted(entry.path.glob("checkpoint*")):
        yield Garbage(path, "its training is finished", size(path), entry)


def _abandoned(root: Path) -> Iterator[Garbage]:
    now = time.time()
    for parent, directories, names in os.walk(root):
        written = {name for name in (*directories, *names) if name.endswith(TEMPORARY)}
        directories[:] = sorted(set(directories) - written)
        for path in (Path(parent, name) for name in sorted(written)):
            facts = _facts(path)
            if facts and now - facts.st_mtime > ABANDONED_SECONDS:
                yield Garbage(path, "nobody writes it any more", size(path))


def size(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a directory; 0 where it has vanished."""
    if path.is_dir():
        return sum(facts.st_size for _, facts in files(path))
    facts = _facts(path)
    return facts.st_size if facts else 0


def _facts(path: Path) -> os.stat_result | None:
    """Returns the facts of a file or directory, or None where it has vanished."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
