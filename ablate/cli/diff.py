"""`ablate diff`: two cells side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir

if TYPE_CHECKING:
    import numpy as np

    from ablate.analysis.difference import Cell, Difference
    from ablate.report.document import Table

CELL = "A label, or the beginning of an id; GRID:CELL where grids share one."


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help=CELL)],
    second: Annotated[str, typer.Argument(metavar="B", help=CELL)],
    weights: Annotated[
        str, typer.Option("--weights", metavar="ema|raw", help="Averaged weights, or the last.")
    ] = "ema",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write a page with the reconstructions there, too.")
    ] = None,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compares two cells.

    The settings that differ, and each metric with its difference over the test images and how sure that is.

    Example: ablate diff 3fa9 quickstart:81c0 --out /tmp/diff
    """
    from ablate.analysis.difference import as_json as plain
    from ablate.analysis.difference import compare
    from ablate.records import WEIGHTS
    from ablate.report.numbers import plain_data

    if weights not in WEIGHTS:
        raise ValueError(f"unknown weights {weights!r} (there is: {', '.join(WEIGHTS)})")
    cells = [_ended(wanted, runs_dir) for wanted in (first, second)]
    if cells[0].id == cells[1].id:
        raise ValueError(f"{first!r} and {second!r} are the same cell, {cells[0].id}")
    found = compare(cells[0], cells[1], weights)
    typer.echo(json.dumps(plain_data(plain(found)), indent=1) if as_json else "\n".join(_lines(found)))
    if out is not None:
        _write(found, out, runs_dir, quiet=as_json)


def _ended(wanted: str, runs_dir: Path) -> Cell:
    """Returns a cell of any grid that has a result."""
    from ablate.analysis.difference import Cell
    from ablate.cli.locate import find_place
    from ablate.records import AlteredError
    from ablate.store.artefacts import IMAGES
    from ablate.store.measured import with_measurements
    from ablate.store.seal import altered, require_whole

    place = find_place(wanted, runs_dir)
    entry, result = place.entry, place.entry.result()
    settings = entry.cell_settings()
    if result is None or settings is None:
        raise ValueError(
            f"{place.label} ({place.id}) of {place.store.grid} is {entry.status()}, so it has no results yet"
        )
    if damages := altered(entry):
        raise AlteredError(damages[0])
    require_whole(entry, result, (IMAGES, str(entry.jackknife_csv.relative_to(entry.path))))
    plan = place.store.plan()
    planned = next((point.cell for point in plan.points if point.id == place.id), None) if plan else None
    config = planned or settings.cell
    measured = with_measurements(entry, result, config)
    return Cell(place.id, place.label, place.store.grid, config, entry, measured)


def _lines(found: Difference) -> Iterator[str]:
    from ablate.cli.terminal import paint
    from ablate.report.pair import CAVEAT, changes_table, settings_table

    for side, cell in (("first ", found.first), ("second", found.second)):
        yield f"{side}  {cell.id}  {cell.label}  ({cell.grid}, {cell.result.status})"
    for name, settings in (("settings", found.settings), ("circumstances", found.circumstances)):
        if settings or name == "settings":
            yield from ("", paint(f"{name} that differ", "title"))
            yield from _rows(settings_table(name, settings)) if settings else ["  none"]
    yield from ("", paint(f"metrics ({found.weights} weights)", "title"))
    yield from _rows(changes_table(found.changes), "images")
    yield from ("", CAVEAT)


def _rows(table: Table, *left_out: str) -> Iterator[str]:
    """Goes through the lines of a table of the page, as a terminal shows it."""
    from ablate.cli.terminal import columns

    shown = [place for place, column in enumerate(table.columns) if column.title not in left_out]
    rows = [[": ".join(filter(None, (row[place].text, row[place].below))) for place in shown] for row in table.rows]
    for line in columns([table.columns[place].title.replace("\u2212", "-") for place in shown], rows):
        yield f"  {line}"


def _write(found: Difference, out: Path, runs_dir: Path, quiet: bool) -> None:
    from ablate.report.pair import pair_document
    from ablate.report.report import write_document

    report = write_document(pair_document(found, _originals(found, runs_dir)), out)
    if not quiet:
        for path in (report.html, report.markdown, report.json):
            typer.echo(str(path))


def _originals(found: Difference, runs_dir: Path) -> dict[str, np.ndarray]:
    """Returns the test images that both cells were measured on; none, with a warning, where they are gone."""
    from ablate.report.crops import read_originals
    from ablate.store import Store

    try:
        return read_originals(found.first.config, Store(runs_dir, found.first.grid).data_cache)
    except (OSError, ValueError) as error:
        typer.echo(f"warning: the test images could not be read, so none are shown: {error}", err=True)
        return {}
