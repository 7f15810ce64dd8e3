"""The cells of a grid with their identities: worked out from the grid file, or read back where nothing changed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ablate.execute.environment import code_fingerprint
from ablate.execute.groups import Groups
from ablate.execute.trials import staged
from ablate.plugins.load import installed, load
from ablate.plugins.source import PluginError, source_of_module
from ablate.records import (
    CellSettings,
    Compare,
    ExcludedCells,
    Execution,
    PlannedCell,
    PlannedWarmup,
    PlanRecord,
    Plugins,
    RecordError,
    Reference,
)
from ablate.records.plan import SCHEMA
from ablate.store import Store
from ablate.store.plugins import keep, offer, record_of

if TYPE_CHECKING:
    from ablate.config import Cell, Data, Evaluation, Train
    from ablate.grid import Grid

ID_DIGITS = 12
PLANNED = {"id", "sha256", "label", "arm", "axes", "seed", "warmup", "cell"}


@dataclass(frozen=True)
class Plan:
    """All cells that a grid file means, and the plan.json that says so."""

    record: PlanRecord
    text: bytes
    faults: tuple[str, ...] = ()
    """Plugins that could not be loaded, a sentence for each: results can be read, and nothing can be run."""

    @property
    def name(self) -> str:
        """The name of the grid, which is also its directory in the store."""
        return self.record.name

    @property
    def points(self) -> tuple[PlannedCell, ...]:
        """The cells in the order of the grid."""
        return self.record.points

    @property
    def warmups(self) -> Mapping[str, PlannedWarmup]:
        """The warm-ups that cells start from, by id."""
        return self.record.warmups

    def write(self, store: Store) -> None:
        """Leaves the plan and a copy of the grid file in the store."""
        store.write_grid(self.text)
        keep(store.path, self.record.plugins)
        store.write_plan(self.record)


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
    stored = _stored(path, root, reading)
    if stored is not None:
        return stored
    meanwhile()
    from ablate.grid import read_grid

    grid = read_grid(path)
    store = Store(root, grid.name)
    fresh = with_earlier_ids(plan(grid, store.data_cache if remember else None), store)
    return replace(fresh, record=staged(fresh.record, store).record)


def stored_plan(store: Store) -> Plan | None:
    """Returns the plan of the latest run as it stands, without asking whether grid file or plugins changed since.

    Raises:
        ValueError: where it was written by an ablate with other files.
    """
    record = store.plan()
    if record is None:
        return None
    store.require_grid(record)
    return Plan(record, grid_copy(store), tuple(offer(record.plugins)))


def grid_copy(store: Store) -> bytes:
    """Returns the grid file as it was when it last ran; empty where the copy is gone."""
    try:
        return (store.path / "grid.toml").read_bytes()
    except FileNotFoundError:
        return b""


def _stored(path: Path, root: Path, reading: bool) -> Plan | None:
    text = path.read_bytes()
    try:
        content = tomllib.loads(text.decode("utf-8-sig"))
        name = content.get("name", path.stem)
    except ValueError:
        return None  # read_grid says what is wrong with the file
    try:
        record = Store(root, name).plan() if isinstance(name, str) and name.isprintable() else None
    except RecordError:
        return None  # worked out anew, and written over by the next run
    directory = path.parent.resolve()
    expected = (hashlib.sha256(text).hexdigest(), code_fingerprint(), str(directory))
    if record is None or (record.grid_sha256, record.fingerprint, record.directory) != expected:
        return None
    faults = _plugins_again(record, content.get("plugins", {}), directory, reading)
    if faults is None:
        return None
    try:
        now = data_stat((point.cell for point in record.points), directory)
    except ValidationError:
        return None  # planned with a data source that is not registered now: read_grid says which
    if record.data_stat != now:
        return None
    return Plan(record, text, tuple(faults))


def _plugins_again(
    record: PlanRecord, declared: Mapping[str, Any], directory: Path, reading: bool
) -> Sequence[str] | None:
    """Loads the plugins of a stored plan; returns what is to say of them, or None where they are no longer the same.

    To read results, one that cannot be loaded counts as the same.
    """
    if not record.plugins and not declared and not installed():
        return ()
    from ablate.grid.plugins import named_plugins

    readers = named_plugins(directory, Plugins.model_validate(declared))
    planned = {each.name: each.defined_by for each in record.plugins}
    if planned.keys() != {*readers, *installed()}:
        return None
    try:
        for name in planned:
            source = readers[name]() if name in readers else source_of_module(name)
            if source.defined_by != planned[name]:
                return None
            load(source)
    except PluginError:
        return offer(record.plugins) if reading else None
    return ()


def data_stat(cells: Iterable[Mapping[str, Any]], directory: Path) -> str:
    """Returns a cheap fingerprint (names, sizes, times) of all images that the cells, as plain data, use."""
    from ablate.config import Data
    from ablate.config.data import WHICH_IMAGES
    from ablate.data import stat_fingerprint
    from ablate.data.sets import stat_of_set

    # Cells share the objects of their groups, so that few are left to be compared.
    cells = list({(id(cell["data"]), id(cell.get("evaluation"))): cell for cell in cells}.values())
    distinct = {json.dumps([cell["data"].get(key) for key in WHICH_IMAGES]): cell["data"] for cell in cells}
    parts = [stat_fingerprint(Data.model_validate(distinct[key]), directory) for key in sorted(distinct)]
    sets = {path for cell in cells for path in cell.get("evaluation", {}).get("sets", {}).values()}
    parts += [stat_of_set(path, directory) for path in sorted(sets)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def with_earlier_ids(planned: Plan, store: Store) -> Plan:
    """Returns the plan with cells that the store has under an id from before 0.2, which counted the evaluation, too.

    They keep these ids, so that nothing is trained again; a note of the plan says so.
    """
    absent = {point.id: point for point in planned.points if not store.cell(point.id).begun}
    earlier = _earlier_entries(store, {point.id for point in planned.points}) if absent else {}
    found = {name: earlier[name] for name in absent if name in earlier}
    if not found:
        return planned
    points = tuple(
        point.model_copy(update={"id": found[point.id].id, "sha256": found[point.id].sha256 or point.sha256})
        if point.id in found
        else point
        for point in planned.points
    )
    cells = "1 cell keeps its id" if len(found) == 1 else f"{len(found)} cells keep their ids"
    note = f"{cells} from before 0.2, which counted [evaluation], too: trained then, and not trained again"
    record = planned.record.model_copy(update={"points": points, "notes": [*planned.record.notes, note]})
    return replace(planned, record=record)


def _earlier_entries(store: Store, planned: Collection[str]) -> dict[str, CellSettings]:
    """Returns the settings of cells in the store, by the id that they would have today, where that is another one."""
    from ablate.config import Cell

    found: dict[str, CellSettings] = {}
    for entry in store.cells():
        if entry.id in planned:
            continue
        try:
            settings = entry.cell_settings()
            cell: Cell | None = Cell.model_validate(settings.cell) if settings else None
        except ValueError:  # it is no cell of this version, and none that could stand for one
            continue
        if settings is None or cell is None or cell.earlier_id != settings.id or cell.id == settings.id:
            continue
        if cell.id not in found or entry.status().finished:
            found[cell.id] = settings
    return found


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
