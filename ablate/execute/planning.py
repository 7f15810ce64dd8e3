"""The cells of a grid with their identities: worked out from the grid file, or read back where nothing changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.execute.earlier_ids import with_earlier_ids
from ablate.execute.environment import code_fingerprint
from ablate.execute.groups import Groups
from ablate.execute.plan import Plan
from ablate.execute.planned_before import data_stat, planned_before
from ablate.execute.trials import staged
from ablate.records import (
    Compare,
    ExcludedCells,
    Execution,
    PlannedCell,
    PlannedWarmup,
    PlanRecord,
    Reference,
)
from ablate.records.plan import SCHEMA
from ablate.store import Store
from ablate.store.plugins import record_of

if TYPE_CHECKING:
    from ablate.config import Cell, Data, Evaluation, Train
    from ablate.grid import Grid

ID_DIGITS = 12
PLANNED = {"id", "sha256", "label", "arm", "axes", "seed", "warmup", "cell"}


def plan(grid: Grid, cache: Path | None = None) -> Plan:
    """Works out every cell's identity, which takes reading all images once; with a cache directory, once for all.

    Raises:
        ValueError: where the data are not there or hold a bad image.
    """
    from ablate.data import resolve
    from ablate.data.sets import resolve_sets

    directory = grid.path.parent.resolve()
    resolved: dict[str, Data] = {}
    evaluations: dict[tuple[str, str], Evaluation] = {}
    points: dict[str, PlannedCell] = {}
    warmups: dict[str, PlannedWarmup] = {}
    notes = list(grid.notes)

    def resolved_cell(cell: Cell) -> Cell:
        # Each data set is read once.
        key = cell.data.model_dump_json()
        if key not in resolved:
            resolved[key] = resolve(cell.data, directory, cache)
        place = (key, cell.evaluation.model_dump_json())
        if place not in evaluations:
            evaluations[place] = resolve_sets(cell.evaluation, resolved[key], directory, cache)
        train = _with_start(cell.train, directory)
        return cell.model_copy(update={"data": resolved[key], "evaluation": evaluations[place], "train": train})

    groups = Groups(resolved_cell)
    starts: dict[int, PlannedWarmup] = {}
    axes: dict[int, dict[str, Any]] = {}
    for point in grid.resolved():
        cell = groups.cell(point.cell)
        sha256 = groups.sha256(cell)
        if sha256[:ID_DIGITS] in points:
            notes.append(f"{point.label} is not run: {_same(points[sha256[:ID_DIGITS]], cell)}")
            continue
        warmup = groups.warmup(cell)
        if warmup is not None and id(warmup) not in starts:
            starts[id(warmup)] = PlannedWarmup.of(warmup)
            warmups[starts[id(warmup)].id] = starts[id(warmup)]
        if id(point.axes) not in axes:
            axes[id(point.axes)] = _through_json(dict(point.axes))
        points[sha256[:ID_DIGITS]] = planned = PlannedCell.model_construct(
            _fields_set=PLANNED,
            id=sha256[:ID_DIGITS],
            sha256=sha256,
            label=point.label,
            arm=point.arm,
            axes=axes[id(point.axes)],
            seed=point.seed,
            warmup=starts[id(warmup)].id if warmup is not None else None,
            cell=groups.plain(cell),
        )
        # model_construct keeps the emptied table of its arguments there: 200 bytes a cell.
        object.__setattr__(planned, "__pydantic_extra__", {})
    text = grid.path.read_bytes()
    record = PlanRecord(
        schema_version=SCHEMA,
        grid_sha256=hashlib.sha256(text).hexdigest(),
        fingerprint=code_fingerprint(),
        data_stat=data_stat((point.cell for point in points.values()), directory),
        file=grid.path.name,
        directory=str(directory),
        name=grid.name,
        compare=Compare.model_validate(grid.compare.model_dump()),
        budget=grid.budget,
        execution=Execution.model_validate(grid.execution.model_dump()),
        references=tuple(_located(each, directory) for each in grid.references),
        **({"plugins": tuple(map(record_of, grid.plugins))} if grid.plugins else {}),
        **({"tune": grid.tuning} if grid.tuning else {}),
        **({"names": grid.names} if grid.names else {}),
        axes={key: list(values) for key, values in grid.axes.items()},
        excluded=[ExcludedCells.model_validate(_plain(excluded)) for excluded in grid.excluded],
        notes=notes,
        points=(),
        warmups=warmups,
    )
    # Once through JSON, so that a fresh plan and one read back are equal; so were the cells.
    whole = PlanRecord.model_validate(_through_json(record.plain()))
    return Plan(whole.model_copy(update={"points": tuple(points.values())}), text)


def load_plan(
    path: Path,
    root: Path,
    *,
    remember: bool = False,
    reading: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Plan:
    """Returns the plan of a grid file, from the store under `root` where neither file, code nor data changed since.

    Writes nothing, unless the hashes of the images shall be remembered in the store. Where the plan is not there it
    takes seconds, and `meanwhile` is called first, to start what can go on beside it. To read results, a plan that was
    stored is taken also where a plugin is missing.

    Raises:
        GridError: with every mistake of the file.
        ValueError: where there is no such file, or the data are not there.
    """
    if not path.is_file():
        raise ValueError(f"there is no grid file {path}; `ablate init {path}` writes one to start from")
    stored = planned_before(path, root, reading)
    if stored is not None:
        return stored
    meanwhile()
    from ablate.grid import read_grid

    grid = read_grid(path)
    store = Store(root, grid.name)
    fresh = with_earlier_ids(plan(grid, store.data_cache if remember else None), store)
    return replace(fresh, record=staged(fresh.record, store).record)


def _same(first: PlannedCell, cell: Cell) -> str:
    """Says why a cell is the same training as an earlier one of the plan."""
    if first.cell["evaluation"] != cell.evaluation.model_dump(mode="json"):
        return f"it is {first.label} measured otherwise, and a cell is its training: list both in one [evaluation]"
    return f"its images are those of {first.label}, and so is all else"


def _with_start(train: Train, directory: Path) -> Train:
    """Returns the settings with where the file of the first weights lies from here.

    Raises:
        ValueError: if it is absent or another one.
    """
    if train.start.file is None:
        return train
    path = directory / train.start.file
    if not path.is_file():
        raise ValueError(f"train.start.file = {train.start.file!r}: there is no file {path}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != train.start.sha256:
        raise ValueError(f"{path} has the sha256 {found}, and train.start.sha256 is {train.start.sha256}")
    return train.model_copy(update={"start": train.start.model_copy(update={"file": str(path)})})


def _through_json(content: Any) -> Any:
    return json.loads(json.dumps(content, allow_nan=False))


def _located(reference: Reference, directory: Path) -> Reference:
    """Returns a reference whose file and {grid} are absolute."""
    given = reference.model_dump(mode="json", exclude_unset=True)
    if reference.file:
        given["file"] = str((directory / reference.file).resolve())
    return Reference.model_validate(given)


def _plain(value: Any) -> Any:
    """Returns settings of the grid as plain data, whatever typed form they have."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return dict(value) if isinstance(value, Mapping) else value
