"""Derived files of finished cells that are altered or lost, made anew from the weights, which are sealed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.execute.jobs import Job, Wanted, every_cell
from ablate.execute.plan import Plan
from ablate.records import (
    WEIGHTS,
    Damage,
    Environment,
    Measurement,
    MeasurementSettings,
    PlannedCell,
    RecordError,
    Result,
    Status,
    read,
    write,
)
from ablate.store import Entry, Store
from ablate.store.artefacts import RECORD, artefacts
from ablate.store.seal import DERIVED, inspect

if TYPE_CHECKING:
    from ablate.codecs.trained import TrainedCodec
    from ablate.evaluate.measure import Measurement as Found

NEEDED = (RECORD, "weights.pt", "cell.json")
"""Files of a cell without which nothing of it can be made anew."""


@dataclass(frozen=True)
class Repair:
    """A finished cell with files that are not as they were sealed.

    Attributes:
        label: of the cell.
        entry: its place.
        derived: what its weights give anew.
        jobs: its damaged measurements.
        lost: what cannot be made anew, with the remedy of each.
    """

    label: str
    entry: Entry
    derived: tuple[Damage, ...]
    jobs: tuple[Job, ...]
    lost: tuple[Damage, ...]


@dataclass(frozen=True)
class Remade:
    """What came of the derived files of a cell: those that are again as they were sealed, and those that are others.

    The latter have other bytes than before, as another processor gives them: figures and hashes were recorded anew.
    """

    restored: tuple[str, ...]
    recorded: tuple[str, ...]


def repairs(plan: Plan, store: Store, wanted: Wanted = every_cell) -> list[Repair]:
    """Hashes every file of the finished cells of a plan, and returns the cells with damages."""
    cells = [point for point in plan.points if wanted(point)]
    found = (_repair(point, store.cell(point.id)) for point in cells)
    return [each for each in found if each.derived or each.jobs or each.lost]


def _repair(point: PlannedCell, entry: Entry) -> Repair:
    status = entry.status()
    if not (status.finished or status is Status.altered):
        return Repair(point.label, entry, (), (), ())
    damages = inspect(entry, thorough=True).damages
    own = [each for each in damages if "measurements" not in each.path.relative_to(entry.path).parts]
    whole = not any(each.path == entry.path / name for each in own for name in NEEDED)
    derived = tuple(each for each in own if whole and _name(entry, each).startswith(DERIVED))
    places = dict.fromkeys(_place(entry, each) for each in damages if each not in own)
    jobs = {place: job for place in places if whole and (job := _job(point, entry, place))}
    lost = [each for each in damages if each not in derived and _place(entry, each) not in jobs]
    return Repair(point.label, entry, derived, tuple(jobs.values()), tuple(lost))


def _name(entry: Entry, damage: Damage) -> str:
    return str(damage.path.relative_to(entry.path))


def _place(entry: Entry, damage: Damage) -> str:
    """Returns the id of the measurement that a file belongs to, nothing for the cell's own."""
    parts = damage.path.relative_to(entry.path).parts
    return parts[1] if parts[0] == "measurements" else ""


def _job(point: PlannedCell, entry: Entry, place: str) -> Job | None:
    """Returns the job that makes a measurement anew; None where neither of its records says what was measured."""
    settings = _asked(entry.measurement(place), point)
    trained = entry.readable_result()
    if settings is None or trained is None or settings.of != entry.path.name:
        return None
    if settings.weights != trained.artefacts.get("weights.pt"):
        return None
    return Job("measure", settings.id, settings.label, settings, len(WEIGHTS))


def _asked(place: Entry, point: PlannedCell) -> MeasurementSettings | None:
    """Returns what a measurement was asked for: by its settings, or by its sealed record where those are damaged."""
    try:
        record = read(Measurement, place.path / RECORD, place.id)
    except RecordError:
        record = None
    path = place.path / "measurement.json"
    damaged = record is not None and any(each.path == path for each in inspect(place, thorough=True).damages)
    try:
        settings = None if damaged else read(MeasurementSettings, path, place.id)
    except RecordError:
        settings = None
    if settings is not None or record is None:
        return settings
    kept = {name: getattr(record, name) for name in ("id", "of", "weights", "images", "digest")}
    asked = {"schema": 1, "label": f"{point.label} on {record.images}", "metrics": list(record.protocol)}
    evaluation = {**point.cell["evaluation"], "metrics": list(record.protocol)}
    return MeasurementSettings.model_validate({**kept, **asked, "cell": {**point.cell, "evaluation": evaluation}})


def remake(
    repair: Repair, *, cache: Path, device: str, environment: Environment, done: Callable[[str, str], None]
) -> Remade:
    """Measures a cell again as it was measured after its training, and puts what is damaged or lost in its place.

    Files that come out as they were sealed restore the cell. Where one does not, since another machine sums in another
    order, all derived files are replaced, and the record has their figures and hashes and says so (`remade`).

    Args:
        repair: of the cell.
        cache: directory of decoded images.
        device: where networks run.
        environment: to be recorded.
        done: told of each image.

    Raises:
        ValueError: where the weights or the test images are not what they were.
        Busy: where another process writes there.
    """
    entry, names = repair.entry, [_name(repair.entry, each) for each in repair.derived]
    with entry.claim(), tempfile.TemporaryDirectory(dir=entry.path, prefix=".remade-") as scratch:
        result = entry.result()
        assert result is not None, "it was looked at before"
        place = Entry(Path(scratch))
        found = _measured(entry, result, place, cache, device, done)
        made = artefacts(place.path)
        alike = [name for name in names if made["artefacts"].get(name) == result.artefacts[name]]
        if len(alike) == len(names):
            for name in names:
                _put(place, entry, name)
            return Remade(tuple(names), ())
        for name in made["artefacts"]:
            _put(place, entry, name)
        _record(entry, result, found, made, environment)
        return Remade((), tuple(made["artefacts"]))


def _measured(
    entry: Entry, result: Result, place: Entry, cache: Path, device: str, done: Callable[[str, str], None]
) -> Found:
    """Measures what the result has figures of, by its own settings, into another place."""
    from ablate.config import Cell, Taught
    from ablate.data import prepare
    from ablate.evaluate.measure import measure
    from ablate.store.weights import load

    codecs: dict[str, TrainedCodec] = {name: load(entry, name, device) for name in reversed(WEIGHTS)}
    settings = entry.cell_settings()
    assert settings is not None, "a codec was loaded by its settings"
    cell = Cell.model_validate(settings.cell)
    return measure(
        codecs,
        cell.evaluation,
        prepare(cell.data, "test", cache),
        place,
        cache=cache,
        device=device,
        taught=Taught.by(cell),
        only=list(result.protocol),
        done=done,
    )


def _put(place: Entry, entry: Entry, name: str) -> None:
    target = entry.path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(place.path / name, target)


def _record(
    entry: Entry, result: Result, found: Found, made: Mapping[str, Any], environment: Environment
) -> None:  # fmt: skip
    """Seals the record with the figures of now; what no measurement makes keeps the hash that it had."""
    kept = {kind: dict(_others(getattr(result, kind))) for kind in ("artefacts", "sizes")}
    figures = {"metrics": found.metrics, "uncertainty": found.uncertainty, "protocol": found.protocol}
    remade = {"time": time.time(), "environment": environment.plain()}
    again = {**result.plain(), **figures, **{kind: kept[kind] | made[kind] for kind in kept}, "remade": remade}
    write(entry.path / RECORD, Result.model_validate(again))


def _others(named: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in named.items() if not name.startswith(DERIVED))
