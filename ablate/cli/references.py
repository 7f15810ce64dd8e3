"""`ablate references`: JPEG and WebP measured beside the arms of a grid."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import RUNS, RunsDir

if TYPE_CHECKING:
    from ablate.store import Store


def references(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="GRID", help="Grid files, or names of grids that were run. Default: the last run."),
    ] = None,
    allow_mixed_code: Annotated[
        bool, typer.Option("--allow-mixed-code", help="Compare grids that ran with different code.")
    ] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Measures JPEG and WebP on the test images.

    At the bits of the arms that a report sets them beside, by the protocol of the grid; the report reads what was
    measured. `ablate run` does this at its end. What is known is not measured again.

    Example: ablate references grid.toml
    """
    from ablate.cli.locate import find_grid
    from ablate.cli.terminal import plural

    wanted: list[str] | list[None] = grids or [None]
    stores = [find_grid(grid, runs_dir)[1] for grid in wanted]
    measured = measure_references(stores, allow_mixed_code=allow_mixed_code)
    if measured is None:
        raise ValueError("no cell has finished, so there are no bits to measure JPEG and WebP at")
    typer.echo(f"{plural(measured, 'point')} measured" if measured else "all points were measured before")


def measure_references(stores: Sequence[Store], *, allow_mixed_code: bool = False) -> int | None:
    """Measures what a report of these grids would show of reference codecs and that is not known yet.

    Returns how many points were measured, None where no cell has finished.

    Raises:
        ValueError or OSError: where the test images are no longer there, or grids cannot be compared.
    """
    from ablate.report.reference_points import reference_points
    from ablate.report.report import gather

    points = reference_points(gather(stores, allow_mixed_code=allow_mixed_code))
    return points.references.measure(functools.partial(typer.echo, err=True)) if points else None
