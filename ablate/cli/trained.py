"""Which trained cell the arguments of a command mean, or a file was written by."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.records import WEIGHTS, Status
from ablate.store import Entry, Store, stores

if TYPE_CHECKING:
    from ablate.codecs.trained import TrainedCodec

_NAMED_AT_MOST = 3


def find_trained(wanted: str, runs: Path, grid: str | None) -> Entry:
    """Returns the cell with a label, with an id that begins like that, or in the directory of that path.

    Cells of all grids under `runs` are looked through, or those of one grid.

    Raises:
        ValueError: where there is none, or more than one.
    """
    if (Path(wanted) / "cell.json").is_file():
        return Entry(Path(wanted))
    entries = _entries(runs, grid)
    found = [entry for entry in entries if entry.path.name.startswith(wanted)] or [
        entry for entry in entries if _label(entry) == wanted
    ]
    if not found:
        raise ValueError(
            f"no cell under {_where(runs, grid)} has the label or id {wanted!r}; {_nearest(wanted, entries)}"
        )
    if len({entry.path.name for entry in found}) > 1:
        names = ", ".join(_name(entry) for entry in found[:_NAMED_AT_MOST])
        more = ", …" if len(found) > _NAMED_AT_MOST else ""
        raise ValueError(f"{wanted!r} means {len(found)} cells ({names}{more}); write the id, or name the grid: --grid")
    # A cell that several grids have is the same in each, but it may have been trained in one alone.
    return next((entry for entry in found if entry.weights.exists()), found[0])


def find_model(model: bytes, runs: Path, grid: str | None, device: str) -> TrainedCodec:
    """Returns the codec that a file names as its model, among all finished cells under `runs` or of one grid.

    Raises:
        ValueError: where none is that model.
    """
    from ablate.store.weights import load

    entries = [(entry, result) for entry in _entries(runs, grid) if (result := entry.result())]
    for entry, result in entries:
        recorded = result.codec.models
        for weights in WEIGHTS:
            if recorded.get(weights) == model.hex():
                return load(entry, weights, device)
    # Results of earlier days do not say which models they are, so that their weights must be read.
    for entry, result in entries:
        if result.status is Status.done and not result.codec.models:
            for weights in WEIGHTS:
                codec = load(entry, weights, device)
                if codec.model_id == model:
                    return codec
    raise ValueError(
        f"it was written by the model {model.hex()}, which no finished cell under {_where(runs, grid)} is; "
        "--runs-dir says where else to look, --cell which cell's directory to take"
    )


def named(entry: Entry) -> str:
    """Returns id and label of a cell."""
    settings = entry.cell_settings()
    return settings.name if settings else entry.path.name


def _label(entry: Entry) -> str | None:
    settings = entry.cell_settings()
    return settings.label if settings else None


def _entries(runs: Path, grid: str | None) -> list[Entry]:
    searched = stores(runs) if grid is None else (Store(runs, grid),)
    entries = [entry for store in searched for entry in store.cells()]
    if not entries:
        raise ValueError(f"no cell was trained under {_where(runs, grid)} yet; `ablate run GRID` trains some")
    return entries


def _where(runs: Path, grid: str | None) -> Path:
    return runs / grid if grid else runs


def _name(entry: Entry) -> str:
    return f"{entry.path.parents[1].name}: {named(entry)}"


def _nearest(wanted: str, entries: Iterable[Entry]) -> str:
    import difflib

    labels = {label: entry for entry in entries if (label := _label(entry))}
    near = difflib.get_close_matches(wanted, labels, n=_NAMED_AT_MOST, cutoff=0.3) or list(labels)[:_NAMED_AT_MOST]
    return "there is " + ", ".join(f"{labels[label].path.name} ({label})" for label in near)
