"""Stores joined to one: everything is verified and compared before anything is copied."""

from __future__ import annotations

import functools
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate import atomic
from ablate.records import DamageKind, PlanRecord, RecordError, Result, Status
from ablate.records.figures import read_figures, write_figures
from ablate.store.copying import claimed, copy_tree, put
from ablate.store.entry import Entry
from ablate.store.layout import Store, named, stores
from ablate.store.parts import shown_data
from ablate.store.plugins import DIRECTORY
from ablate.store.seal import inspect

ADVICE = "results of one id are equal; `ablate store rm` takes the wrong one out of its store"
GRID_FILES = ("grid.toml", "tuning.json", "plan.json")
"""The plan last, so that a grid is listed once it is whole."""


class MergeError(ValueError):
    """Stores that cannot be joined; nothing was changed."""

    def __init__(self, refusals: Sequence[str]) -> None:
        super().__init__("nothing was merged:\n" + "\n".join(refusals))
        self.refusals = tuple(refusals)


@dataclass(frozen=True)
class Copy:
    """An entry, or a measurement in it, that is to be copied; `label` is for people."""

    label: str
    source: Entry
    target: Entry


@dataclass
class Merged:
    """What a merge does, or has done: entries that come, and how many were there already."""

    copies: list[Copy] = field(default_factory=list)
    equal: int = 0
    behind: int = 0
    """Entries that are further on the other side."""
    unsealed: int = 0
    """Of before there were seals, so that nothing can be said of their files."""
    notes: list[str] = field(default_factory=list)
    completed: dict[Path, Path] = field(default_factory=dict)
    """Files that entries here had lost or were packed without, and where each is."""


def merge(sources: Sequence[Path], root: Path) -> Merged:
    """Copies what other stores have and this one lacks: cells, warm-ups, measurements, plans, other codecs' figures.

    What is finished counts for more than what is not, a training that has a state to go on from for more than one that
    has none, and what is further for more than what is less far. Two finished results of one id must be equal in
    status, step, figures and weights. Every file that comes is hashed first.

    Raises:
        MergeError: with all that differs or is not as it was sealed, before anything was changed.
        ValueError: for what is no store.
        Busy: where a process is at an entry that would be replaced, as a rule before anything was changed.
    """
    survey = _Survey(root)
    for source in sources:
        if not (stores(source) or named(source)):
            raise ValueError(f"{source} is no store: no grid was run there")
        if source.resolve() == root.resolve():
            raise ValueError(f"{source} is the store that others are merged into")
        survey.look(source)
    if survey.refusals:
        raise MergeError(survey.refusals)
    stage = root / ".shared" / f"merging-{secrets.token_hex(4)}{atomic.TEMPORARY}"
    try:
        staged = [(copy, stage / str(number)) for number, copy in enumerate(survey.found.copies)]
        for copy, place in staged:
            copy_tree(copy.source.path, place)
        for copy, _ in staged:
            with claimed(copy.target):
                pass
        for copy, place in staged:
            put(place, copy.target)
        for place, file in survey.found.completed.items():
            with file.open("rb") as content:
                atomic.write_with(place, functools.partial(shutil.copyfileobj, content))
        for source in sources:
            survey.found.notes += _grids(source, root)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return survey.found


class _Survey:
    """Compares stores with one, and with each other, before anything is copied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found = Merged()
        self.refusals: list[str] = []
        self._coming: dict[Path, Copy] = {}

    def look(self, source: Path) -> None:
        for grid in sorted({store.grid for store in stores(source)} | set(named(source))):
            theirs, ours = Store(source, grid), Store(self.root, grid)
            try:
                theirs.plan()
            except RecordError as error:
                self.refusals.append(f"{grid}: {error}")
            for entry in theirs.cells():
                self._entry(f"{grid}: {entry.path.name}", entry, ours.cell(entry.path.name))
        for path in sorted((source / ".shared" / "warmups").glob("[!.]*")):
            name = path.name
            self._entry(f"warm-up {name}", Entry(path, name), Store(self.root, "").warmup(name))
        self.found.copies = list(self._coming.values())

    def _entry(self, label: str, theirs: Entry, target: Entry) -> None:
        """Decides about an entry, and about its measurements where the entry itself stays."""
        if not self._whole(label, theirs):
            return
        if self._wanted(label, theirs, target):
            self._coming[target.path] = Copy(label, theirs, target)
            return
        for place in theirs.measured_places():
            name, beside = place.path.name, target.path / "measurements" / place.path.name
            if place.readable_result() and self._wanted(f"{label}, measurement {name}", place, Entry(beside, name)):
                self._coming[beside] = Copy(f"{label}, measurement {name}", place, Entry(beside, name))
        for path in theirs.evaluations():
            beside = target.path / "evaluations" / path.name
            if not self._now(Entry(beside)).path.exists():
                self._coming[beside] = Copy(f"{label}, evaluation {path.name}", Entry(path), Entry(beside))

    def _now(self, target: Entry) -> Entry:
        """Returns where what will lie at a place is now: there, or in the store that it, or its cell, comes from."""
        for path in (target.path, *target.path.parents):
            if coming := self._coming.get(path):
                return Entry(coming.source.path / target.path.relative_to(path), target.id)
        return target

    def _missing(self, theirs: Entry, their_result: Result, ours: Entry, our_result: Result, target: Entry) -> None:
        """Notes files that one side was packed without, such as weights."""
        for name, digest in our_result.artefacts.items():
            source = theirs.path / name
            if not (ours.path / name).exists() and source.exists() and their_result.artefacts.get(name) == digest:
                self.found.completed[target.path / name] = source

    def _whole(self, label: str, entry: Entry) -> bool:
        """Hashes an entry, and refuses what is not as it was sealed; weights may have been left behind."""
        looked = inspect(entry, thorough=True)
        damages = [damage for damage in looked.damages if damage.kind is not DamageKind.missing]
        self.refusals += [f"{label}: {damage}" for damage in damages]
        self.found.unsealed += looked.unsealed
        if entry.status() is Status.running:
            self.found.notes.append(f"{label} is running at {entry.path}, and was left out")
            return False
        return not damages

    def _wanted(self, label: str, theirs: Entry, target: Entry) -> bool:
        """Says whether an entry is to come in the place of what is there, or will come from an earlier store."""
        ours = self._now(target)
        if not ours.path.is_dir():
            return True
        try:
            their_result, our_result = theirs.result(), ours.result()
        except RecordError as error:
            self.refusals.append(f"{label}: {error}")
            return False
        if their_result and our_result:
            if difference := differing(our_result, their_result):
                self.refusals.append(f"{label}: {ours.path} and {theirs.path} differ: {difference}; {ADVICE}")
            self.found.equal += not difference
            self._missing(theirs, their_result, ours, our_result, target)
            return False
        try:
            further = bool(their_result) or (not our_result and _reached(theirs) > _reached(ours))
        except RecordError as error:
            self.refusals.append(f"{label}: {error}")
            return False
        self.found.behind += not further
        return further


def differing(ours: Result, theirs: Result) -> str | None:
    """Returns in what two results of one id differ that must be equal; None where they are."""
    for name in ("status", "step", "cause"):
        if getattr(ours, name) != getattr(theirs, name):
            return f"{name} is {getattr(ours, name)} and {getattr(theirs, name)}"
    mine, other = dict(_figures(ours)), dict(_figures(theirs))
    for name in [*mine, *(name for name in other if name not in mine)]:
        if mine.get(name) != other.get(name):
            made = _made(ours, theirs)
            return f"{name} is {mine.get(name)} and {other.get(name)}" + (f" ({made})" if made else "")
    if ours.artefacts.get("weights.pt") != theirs.artefacts.get("weights.pt"):
        made = _made(ours, theirs)
        return "their weights are not the same" + (f" ({made})" if made else "")
    return None


def _figures(result: Result) -> Iterator[tuple[str, Any]]:
    for weights, figures in result.metrics.items():
        yield from ((f"{name} ({weights})", value) for name, value in figures.items())


def _made(ours: Result, theirs: Result) -> str:
    """Says what about the making of two results explains that they differ."""
    facts = ("fingerprint", "torch", "device", "cpu", "gpu", "threads")
    pairs = [(name, ours.environment.fact(name), theirs.environment.fact(name)) for name in facts]
    return ", ".join(f"{name} {one} and {other}" for name, one, other in pairs if one != other)


def _reached(entry: Entry) -> tuple[bool, int]:
    """Returns how far an unfinished training is: whether it has a state to go on from, and its last logged step."""
    row = entry.last_row()
    return bool(entry.checkpoints()), row.step if row else -1


def _grids(source: Path, root: Path) -> Iterator[str]:
    """Copies plans and what reports show beside cells, where they are missing; says where two plans differ."""
    for grid in named(source):
        theirs, ours = Store(source, grid), Store(root, grid)
        for path in sorted((theirs.path / DIRECTORY).glob("[!.]*")):
            if not (ours.path / DIRECTORY / path.name).exists():
                copy_tree(path, ours.path / DIRECTORY / path.name)
        plan = theirs.plan()
        if plan is None:
            yield f"{theirs.path} has no plan.json: what it has came without one; run the grid file"
            continue
        for path in shown_data(theirs.data_cache, plan):
            _share(path, ours.data_cache / path.name)
        try:
            kept = ours.plan()
        except RecordError:
            kept = None
        if kept is None:
            for name in GRID_FILES:
                if (theirs.path / name).exists():
                    atomic.write_bytes(ours.path / name, (theirs.path / name).read_bytes())
        elif _ids(kept) != _ids(plan):
            more = len(_ids(plan) - _ids(kept))
            yield f"the plan of {theirs.path} has {more} other cells than {ours.path}'s, which stays; run the grid file"


def _ids(plan: PlanRecord) -> set[str]:
    return {point.id for point in plan.points}


def _share(path: Path, target: Path) -> None:
    """Copies decoded images, or adds the figures of other codecs that are missing."""
    if path.is_dir():
        if not target.exists():
            stage = target.with_name(f".{target.name}-{secrets.token_hex(4)}{atomic.TEMPORARY}")
            copy_tree(path, stage)
            os.rename(stage, target)
        return
    with suppress(ValueError):  # a damaged one is measured anew
        theirs, ours = read_figures(path), read_figures(target) or {}
        if theirs and theirs.keys() - ours.keys():
            write_figures(target, theirs | ours)
