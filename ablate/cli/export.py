"""`ablate export`: curves, tables and trained networks for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ablate.cli.options import RUNS, RunsDir, WhichWeights


def export(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="GRID", help="Grid files, or names of grids that were run. Default: the last run."),
    ] = None,
    kind: Annotated[
        Literal["compressai", "csv", "parquet", "onnx"],
        typer.Option("--format", help="A JSON for each curve as CompressAI has them, tables, or networks of a cell."),
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to write. Default: exports/NAME.")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option("--cell", metavar="CELL", help="Whose networks: a label, the beginning of an id, or a directory."),
    ] = None,
    weights: WhichWeights = "ema",
    allow_mixed_code: Annotated[
        bool, typer.Option("--allow-mixed-code", help="Write grids that ran with different code together.")
    ] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Writes results, or a trained codec, for other programs.

    compressai: a JSON for each rate-distortion curve, which `[[reference]] file` reads, too. csv and parquet: tables of
    cells, of their images, of curves with intervals over seeds, and of other codecs. onnx: encoder and generator of one
    cell for images of any size, and a JSON that says how symbols and tensors relate.

    Example: ablate export grid.toml --format compressai

    Example: ablate export --format onnx --cell 3fa9 -o codec
    """
    if kind == "onnx":
        _export_codec(cell, grids, weights, out, runs_dir)
        return
    if cell is not None:
        raise ValueError(f"--cell names the codec for --format onnx; --format {kind} writes whole grids")
    from ablate.cli.locate import find_grid
    from ablate.export.write import export as write
    from ablate.report.report import gather

    wanted: list[str] | list[None] = grids or [None]
    stores = [find_grid(grid, runs_dir)[1] for grid in wanted]
    evidence = gather(stores, allow_mixed_code=allow_mixed_code)
    directory = out or Path("exports") / "+".join(store.grid for store in stores)
    for path in write(evidence.study, evidence.store, kind, directory):
        typer.echo(str(path))


def _export_codec(
    cell: str | None, grids: list[str] | None, weights: Literal["ema", "raw"], out: Path | None, runs_dir: Path
) -> None:
    from ablate.cli.locate import find_entry
    from ablate.export.codec import export_codec
    from ablate.store.weights import load

    if cell is None:
        raise ValueError("--format onnx writes the codec of one cell; name it by --cell")
    if grids and len(grids) > 1:
        raise ValueError(f"one grid at most has the cell, found {', '.join(grids)}")
    entry = find_entry(cell, runs_dir, grids[0] if grids else None)
    codec, name = load(entry, weights), entry.path.name
    for path in export_codec(codec, name, out or Path("exports", name)):
        typer.echo(str(path))
