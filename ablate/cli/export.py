"""`ablate export`: curves and tables for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ablate.cli.options import RUNS, RunsDir


def export(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="GRID", help="Grid files, or names of grids that were run. Default: the last run."),
    ] = None,
    kind: Annotated[
        Literal["compressai", "csv", "parquet"],
        typer.Option("--format", help="A JSON for each curve as CompressAI has them, or tables."),
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to write. Default: exports/NAME.")
    ] = None,
    allow_mixed_code: Annotated[
        bool, typer.Option("--allow-mixed-code", help="Write grids that ran with different code together.")
    ] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Writes results for other programs to plot.

    compressai: a JSON for each rate-distortion curve, which `[[reference]] file` reads, too. csv and parquet: tables of
    cells, of their images, of curves with intervals over seeds, and of other codecs.

    Example: ablate export grid.toml --format compressai
    """
    from ablate.cli.locate import find_grid
    from ablate.export.write import export as write
    from ablate.report.report import gather

    wanted: list[str] | list[None] = grids or [None]
    stores = [find_grid(grid, runs_dir)[1] for grid in wanted]
    evidence = gather(stores, allow_mixed_code=allow_mixed_code)
    directory = out or Path("exports") / "+".join(store.grid for store in stores)
    for path in write(evidence.study, evidence.store, kind, directory):
        typer.echo(str(path))
