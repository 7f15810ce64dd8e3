"""Everything under a results directory, hashed and compared with what was sealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ablate.records import Damage, RecordError
from ablate.records.figures import figures_damage
from ablate.store.artefacts import RECORD
from ablate.store.attempt import Attempt
from ablate.store.entry import Entry
from ablate.store.layout import Store, named, stores
from ablate.store.seal import Inspection, inspect, refused

FIGURES = ("anchors-*.json", "reference-*.json")
"""Files beside the decoded images that reports read."""


@dataclass(frozen=True)
class Target:
    """What is looked at as one: a grid's plan, a cell, a warm-up, folders or other codecs that were measured."""

    name: str
    entry: Entry | None = None
    """None for the plan of a grid."""
    store: Store | None = None
    file: Path | None = None
    bytes: int = 0
    """That are to be hashed, as far as records say."""


@dataclass(frozen=True)
class Verified:
    """What was found at a target."""

    target: Target
    found: Inspection


def targets(root: Path, grid: str | None = None) -> list[Target]:
    """Returns what there is to look at: all of a results directory, or one grid with the warm-ups that it starts from.

    Raises:
        ValueError: where there is nothing.
    """
    names = sorted({store.grid for store in stores(root)} | set(named(root))) if grid is None else [grid]
    found: list[Target] = []
    warmups: set[str] = set()
    for store in (Store(root, name) for name in names):
        if (store.path / "plan.json").exists():
            found.append(Target(f"{store.grid}: plan", store=store))
        found += [_target(f"{store.grid}: {entry.path.name}", entry) for entry in store.cells()]
        warmups |= _warmups(store)
    shared = sorted((root / ".shared" / "warmups").glob("*"))
    found += [
        _target(f"warm-up {path.name}", Entry(path, path.name))
        for path in shared
        if path.is_dir() and (grid is None or path.name in warmups)
    ]
    if grid is None:
        folders = sorted((root / ".shared" / "folders").glob("*"))
        found += [_target(f"folders {path.name}", Entry(path)) for path in folders if path.is_dir()]
        for pattern in FIGURES:
            paths = sorted((root / ".shared" / "data").glob(pattern))
            found += [Target(f"other codecs, {path.name}", file=path, bytes=path.stat().st_size) for path in paths]
    if not found:
        raise ValueError(f"there is nothing to verify under {root if grid is None else root / grid}")
    return found


def verify(root: Path, wanted: list[Target]) -> Iterator[Verified]:
    """Hashes every sealed file of the targets, one target after another.

    A file that was put in another's place is told by the records of all cells under `root`.
    """
    owners = _owners(root)
    for target in wanted:
        if target.entry is not None:
            yield Verified(target, inspect(target.entry, thorough=True, owner=owners.get))
        elif target.file is not None:
            damage = figures_damage(target.file)
            yield Verified(target, Inspection((damage,) if damage else (), files=1, bytes=target.bytes))
        elif target.store is not None:
            yield Verified(target, _plan(target.store))


def _target(name: str, entry: Entry) -> Target:
    records = (place.readable_result() for place in (entry, *entry.measured_places()))
    return Target(name, entry, bytes=sum(sum(record.sizes.values()) for record in records if record))


def _warmups(store: Store) -> set[str]:
    try:
        plan = store.plan()
    except RecordError:
        return set()
    return set(plan.warmups) if plan else set()


def _owners(root: Path) -> dict[str, str]:
    """Returns the file that each sealed hash belongs to; of files that several entries have alike, one."""
    found: dict[str, str] = {}
    for path in (*root.rglob(RECORD), *root.rglob("exit.json")):
        entry = path.parent
        if path.name == RECORD:
            record = Entry(entry).readable_result()
            found |= {digest: f"{entry.name}, {name}" for name, digest in (record.artefacts if record else {}).items()}
            continue
        with suppress(RecordError):
            end = Attempt(entry).exit()
            if end and end.log_sha256:
                found[end.log_sha256] = f"{end.of}, attempts/{entry.name}/log.txt"
    return found


def _plan(store: Store) -> Inspection:
    """Looks at the plan of a grid and at what was tuned, and compares the grid file with its hash in the former."""
    damages: list[Damage] = []
    plan = None
    try:
        plan = store.plan()
    except RecordError as error:
        damages.append(refused(store.path / "plan.json", error))
    try:
        store.tuning()
    except RecordError as error:
        damages.append(refused(store.path / "tuning.json", error))
    if plan and (damage := store.grid_damage(plan)):
        damages.append(damage)
    return Inspection(tuple(damages), unsealed=plan is not None and plan.seal is None, files=2)
