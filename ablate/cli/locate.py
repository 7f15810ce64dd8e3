"""Grids and cells that the arguments of a command mean, and the model that a file names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ablate.cli.terminal import plural
from ablate.config.data import SEGMENTATION
from ablate.execute.plan import Plan, stored_plan
from ablate.execute.planning import load_plan
from ablate.records import WEIGHTS, RecordError, Status
from ablate.store import Entry, Store, latest, named, stores

if TYPE_CHECKING:
    from ablate.codecs.trained import TrainedCodec
    from ablate.sources.protocol import ColourProfiles

NAMED_AT_MOST = 3
"""How many cells a sentence names."""


def find_grid(grid: str | None, runs: Path) -> tuple[Plan, Store]:
    """Returns the plan and the store of a grid file, of a grid that was run, or of the last run.

    Raises:
        ValueError: where there is none.
    """
    if grid is None:
        newest = latest(runs)
        if newest is None:
            raise ValueError(f"no grid was run under {runs} yet; `ablate run GRID` runs one")
        return _stored(newest), newest
    if Path(grid).is_file():
        plan = _warned(load_plan(Path(grid), runs, reading=True))
        return plan, Store(runs, plan.name)
    if grid in named(runs):
        store = Store(runs, grid)
        return _stored(store), store
    if Path(grid).is_dir():
        raise ValueError(f"{grid} is a directory; name a grid file in it, or a grid that was run")
    there = ", ".join(named(runs)) or "none"
    raise ValueError(f"there is no grid file {grid}, and no grid of that name was run under {runs} (there is: {there})")


def _stored(store: Store) -> Plan:
    """Returns the plan of a grid that was run; where plan.json is gone or damaged, one of the cells that were begun."""
    why = f"{store.path / 'plan.json'} is not there"
    try:
        there = store.plan() is not None
    except RecordError as error:
        there, why = False, str(error)
    if there and (plan := stored_plan(store)):
        return _warned(plan)
    from ablate.execute.rebuilt import rebuilt_plan

    plan = rebuilt_plan(store)
    remedy = "`ablate run` on the grid file writes it anew"
    if plan is None:
        raise ValueError(f"{why}, and no cell was begun; {remedy}")
    typer.echo(f"{why}; shown is what was begun, {plural(len(plan.points), 'cell')}; {remedy}", err=True)
    return plan


def _warned(plan: Plan) -> Plan:
    for fault in plan.faults:
        typer.echo(f"warning: {fault}", err=True)
    return plan


@dataclass(frozen=True)
class Place:
    """A cell in the store of a grid."""

    store: Store
    id: str
    label: str

    @property
    def entry(self) -> Entry:
        """Where its records lie."""
        return self.store.cell(self.id)

    def __str__(self) -> str:
        return f"{self.store.grid}:{self.id} ({self.label})"


def find_cell(plan: Plan, store: Store, wanted: str) -> Place:
    """Returns the cell of a grid with a label, or with an id that begins like that.

    Raises:
        ValueError: where there is none, or more than one.
    """
    return _matching(wanted, [Place(store, point.id, point.label) for point in plan.points], store.path)[0]


def find_place(wanted: str, runs: Path, grid: str | None = None) -> Place:
    """Returns the cell with a label, or with an id that begins like that, or GRID:CELL.

    Cells of all grids under `runs` are looked through, or those of one grid. Grids share cells: of one that several
    have, the place where it was trained is returned.

    Raises:
        ValueError: where there is none, or more than one.
    """
    prefix, _, rest = wanted.partition(":")
    if rest and grid is None and prefix in named(runs):
        grid, wanted = prefix, rest
    found = _matching(wanted, _places(runs, grid), _where(runs, grid))
    return next((place for place in found if place.entry.weights.exists() or place.entry.readable_result()), found[0])


def find_entry(wanted: str, runs: Path, grid: str | None) -> Entry:
    """Returns the cell in the directory of that path, or the one that `find_place` finds.

    Raises:
        ValueError: where there is none, or more than one.
    """
    return Entry(Path(wanted)) if (Path(wanted) / "cell.json").is_file() else find_place(wanted, runs, grid).entry


def find_model(model: bytes, runs: Path, grid: str | None, device: str) -> TrainedCodec:
    """Returns the codec that a file names as its model, among all finished cells under `runs` or of one grid.

    Raises:
        ValueError: where none is that model.
    """
    from ablate.store.weights import load

    entries = [place.entry for place in _places(runs, grid)]
    finished = [(entry, result) for entry in entries if (result := entry.readable_result())]
    for entry, result in finished:
        for weights in WEIGHTS:
            if result.codec.models.get(weights) == model.hex():
                return load(entry, weights, device)
    # Results of earlier days do not say which models they are, so that their weights must be read.
    for entry, result in finished:
        if result.status is Status.done and not result.codec.models:
            for weights in WEIGHTS:
                codec = load(entry, weights, device)
                if codec.model_id == model:
                    return codec
    raise ValueError(
        f"it was written by the model {model.hex()}, which no finished cell under {_where(runs, grid)} is; "
        "--runs-dir says where else to look, --cell which cell's directory to take"
    )


def entry_name(entry: Entry) -> str:
    """Returns id and label of a cell that was begun."""
    settings = entry.cell_settings()
    return settings.name if settings else entry.path.name


def _matching(wanted: str, places: Sequence[Place], where: Path) -> list[Place]:
    """Returns one cell by its label, or else by the beginning of its id; in several grids, each of its places."""
    found = [each for each in places if each.label == wanted] or [each for each in places if each.id.startswith(wanted)]
    if not found:
        labels = {place.label: place for place in places}
        near = difflib.get_close_matches(wanted, labels, n=NAMED_AT_MOST, cutoff=0.3) or list(labels)[:NAMED_AT_MOST]
        there = ", ".join(str(labels[label]) for label in near)
        raise ValueError(f"no cell under {where} has the label or id {wanted!r}; there is {there}")
    if len({place.id for place in found}) > 1:
        listed = ", ".join(map(str, found[:NAMED_AT_MOST])) + (", …" if len(found) > NAMED_AT_MOST else "")
        raise ValueError(f"{wanted!r} means {len(found)} cells ({listed}); write more of it, or GRID:CELL")
    return found


def _places(runs: Path, grid: str | None) -> list[Place]:
    """Returns all cells that were begun, and those that are planned; unreadable records name none."""
    searched = {store.grid: store for store in (*stores(runs), *(Store(runs, name) for name in named(runs)))}
    places: list[Place] = []
    for store in searched.values() if grid is None else (Store(runs, grid),):
        labels: dict[str, str] = {}
        with suppress(RecordError):
            plan = store.plan()
            labels |= {point.id: point.label for point in plan.points} if plan else {}
        for entry in store.cells():
            if entry.path.name not in labels:
                labels[entry.path.name] = ""
                with suppress(RecordError):
                    settings = entry.cell_settings()
                    labels[entry.path.name] = (settings.label if settings else None) or ""
        places += [Place(store, cell_id, label) for cell_id, label in labels.items()]
    if not places:
        raise ValueError(f"no cell was trained under {_where(runs, grid)} yet; `ablate run GRID` trains some")
    return places


def _where(runs: Path, grid: str | None) -> Path:
    return runs / grid if grid else runs


def maps_of(entry: Entry, given: Path | None, measured: bool = False) -> str | None:
    """Returns where the label maps of other images are: where they are `given`, or made of the images as the cell's.

    Those that are `measured` need them for their kept regions, too.

    Raises:
        ValueError: for a cell whose codec is given maps that are neither.
    """
    settings = entry.cell_settings()
    assert settings is not None, f"{entry.path} was found by its settings"
    if given is not None:
        return str(given)
    maps: str | None = settings.cell["data"].get("maps")
    instances = settings.cell["evaluation"].get("kept") == "random_instance" and measured
    if maps == SEGMENTATION or not (settings.cell["model"].get("map_classes") or instances):
        return maps if maps == SEGMENTATION else None
    why = "the kept regions of this cell are instances" if instances else "this cell's generator is given label maps"
    raise ValueError(f"{why} (model.map_classes, evaluation.kept); name the maps of the images by --map")


def colour_profiles_of(entry: Entry) -> ColourProfiles:
    """Returns what a cell's settings do to images of other colour profiles than sRGB."""
    settings = entry.cell_settings()
    assert settings is not None, f"{entry.path} was found by its settings"
    return "convert" if settings.cell["data"].get("colour_profiles") == "convert" else "keep"
