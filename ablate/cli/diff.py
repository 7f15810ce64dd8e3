"""`ablate diff`: two cells side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir

if TYPE_CHECKING:
    import numpy as np

    from ablate.report.difference import Cell, Difference

CELL = "A label, or the beginning of an id; GRID:CELL where grids share one."
WEIGHTS = ("ema", "raw")


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
    from ablate.report.difference import as_json as plain
    from ablate.report.difference import compare
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
    from ablate.cli.locate import find_cell_anywhere
    from ablate.report.difference import Cell

    store, point = find_cell_anywhere(wanted, runs_dir)
    entry = store.cell(point.id)
    result = entry.result()
    if result is None:
        raise ValueError(
            f"{point.label} ({point.id}) of {store.grid} is {entry.status().value}, so it has no results yet"
        )
    return Cell(point.id, point.label, store.grid, point.cell, entry, result.plain())


def _lines(found: Difference) -> list[str]:
    from ablate.cli.terminal import columns, paint
    from ablate.report.difference import setting_text
    from ablate.report.numbers import fixed
    from ablate.report.pair import CAVEAT, written

    lines = [f"first   {found.first.id}  {found.first.label}  ({found.first.grid}, {found.first.result['status']})"]
    lines += [
        f"second  {found.second.id}  {found.second.label}  ({found.second.grid}, {found.second.result['status']})"
    ]
    for title, settings in (("settings", found.settings), ("circumstances", found.circumstances)):
        rows: list[tuple[str, ...]] = [(s.key, setting_text(s.first), setting_text(s.second)) for s in settings]
        if rows or title == "settings":
            lines += ["", paint(f"{title} that differ", "title")]
            lines += [f"  {line}" for line in columns((title[:-1], "first", "second"), rows)] if rows else ["  none"]
    rows = [
        (change.measure.label, *(fixed(value, change.measure.decimals) for value in (change.first, change.second)),
         written(change), change.outcome + (f": {change.incomparable}" if change.incomparable else ""))
        for change in found.changes
    ]  # fmt: skip
    lines += ["", paint(f"metrics ({found.weights} weights)", "title")]
    lines += [f"  {line}" for line in columns(("metric", "first", "second", "second - first", "second is"), rows)]
    return [*lines, "", CAVEAT]


def _write(found: Difference, out: Path, runs_dir: Path, quiet: bool) -> None:
    from ablate.report.pair import pair_document
    from ablate.report.report import write_document

    report = write_document(pair_document(found, _originals(found, runs_dir)), out)
    if not quiet:
        for path in (report.html, report.markdown, report.json):
            typer.echo(str(path))


def _originals(found: Difference, runs_dir: Path) -> dict[str, np.ndarray]:
    """Returns the test images that both cells were measured on; none, with a warning, where they are gone."""
    from ablate.config import Data
    from ablate.data import prepare
    from ablate.store import Store

    try:
        data = Data.model_validate(found.first.config["data"])
        loaded = prepare(data, "test", Store(runs_dir, found.first.grid).data_cache)
    except (OSError, ValueError) as error:
        typer.echo(f"warning: the test images could not be read, so none are shown: {error}", err=True)
        return {}
    return {name: loaded[index] for index, name in enumerate(loaded.names)}
