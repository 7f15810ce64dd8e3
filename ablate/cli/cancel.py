"""`ablate cancel`: ends the training of single cells, which save their state."""

from __future__ import annotations

from typing import Annotated

import typer

from ablate.cli.options import RUNS, OfGrid, RunsDir


def cancel(
    cells: Annotated[list[str], typer.Argument(metavar="CELL...", help="Labels, beginnings of ids, or GRID:CELL.")],
    grid: OfGrid = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Asks cells to save their state and end; all others go on.

    It reaches a training wherever it runs on this store. A cell that is pending is left out by the runs that are under
    way. The next `ablate run` goes on with either.

    Example: ablate cancel 3fa9
    """
    from ablate.cli.locate import find_place
    from ablate.store import Status

    places = [find_place(cell, runs_dir, grid) for cell in cells]
    for place in places:
        status = place.entry.status()
        if status.finished or status.damaged:
            raise ValueError(f"{place} is {status}: there is no training to end")
        place.entry.cancel()
        said = "saves its state and ends" if status is Status.running else "is left out by the runs that are under way"
        typer.echo(f"{place} {said}; the next `ablate run` goes on with it")
