"""`ablate measure`: reconstructions of any codec measured from folders, by the protocol of the cells."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ablate.cli.options import RUNS, AsJson, ComputeOn, Force, RunsDir

if TYPE_CHECKING:
    from ablate.config import Evaluation


def measure(
    grid: Annotated[
        str | None,
        typer.Argument(metavar="GRID", help="By the [evaluation] of this grid. Default: that of every preset."),
    ] = None,
    originals: Annotated[
        Path | None, typer.Option("--originals", metavar="DIR", help="Images that were coded, searched recursively.")
    ] = None,
    reconstructions: Annotated[
        Path | None, typer.Option("--reconstructions", metavar="DIR", help="What a codec made of them, named alike.")
    ] = None,
    files: Annotated[
        Path | None, typer.Option("--files", metavar="DIR", help="The coded files, named alike: their bytes count.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="For the records. Default: under --runs-dir.")
    ] = None,
    on_bad_image: Annotated[
        Literal["error", "skip"], typer.Option("--on-bad-image", help="What to do about originals that cannot be used.")
    ] = "error",
    device: ComputeOn = "cpu",
    force: Force = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Measures what any codec made of images.

    Reconstructions are matched to their originals by name, whatever the ending, and measured as cells are; the same
    records are written as by `ablate eval`. Bits come from --files alone.

    Example: ablate measure --originals kodak --reconstructions bpg/decoded --files bpg/files
    """
    if originals is None or reconstructions is None:
        raise ValueError("--originals and --reconstructions say what is to be measured")
    measure_given(
        _evaluation(grid, runs_dir),
        originals,
        reconstructions,
        files,
        out=out,
        skip=on_bad_image == "skip",
        device=device,
        force=force,
        as_json=as_json,
        runs_dir=runs_dir,
    )


def measure_given(
    evaluation: Evaluation,
    originals: Path,
    reconstructions: Path,
    files: Path | None,
    *,
    out: Path | None,
    skip: bool,
    device: str,
    force: bool,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """Measures folders and prints the figures."""
    from ablate.cli.conversion import SOME_FAILED
    from ablate.cli.evaluate import measured_lines, threads
    from ablate.cli.terminal import paint, plural
    from ablate.data import prepare_folder
    from ablate.evaluate.folders import measure_folders, place
    from ablate.execute.environment import accelerator, provenance
    from ablate.store import Entry, Store

    if files is not None and not files.is_dir():
        raise ValueError(f"{files} is not there; a directory is expected")
    cache = Store(runs_dir, "").data_cache
    images = prepare_folder(originals, cache, skip=skip)
    given = prepare_folder(reconstructions, cache)
    records = Entry(out) if out else place(runs_dir, reconstructions, images, given)
    if records.result() is not None and not force:
        raise ValueError(f"{records.path / 'result.json'} is there already; --force measures anew and writes over it")
    for name, reason in images.skipped:
        typer.echo(f"skipped {name}: {reason}", err=True)
    for note in dict.fromkeys((*images.notes, *given.notes)):
        typer.echo(note, err=True)
    if extra := len(given) - len(images):
        typer.echo(f"{plural(extra, 'reconstruction')} without an original left aside", err=True)
    number = itertools.count(1)
    result = measure_folders(
        images,
        given,
        records,
        evaluation,
        folder=reconstructions,
        files=files,
        cache=cache,
        device=device,
        environment=provenance(device, threads()).noting(**(accelerator() if device == "cuda" else {})),
        done=lambda _, image: typer.echo(f"[{next(number)}/{len(images)}] {image}", err=True),
    )
    if as_json:
        typer.echo(json.dumps(result.plain(), indent=1))
    else:
        head = f"{paint(str(reconstructions), 'title')} on {plural(len(images), 'image')} of {originals}"
        lines = [head, *([] if files else ["bits: none, since no --files were given"])]
        typer.echo("\n".join([*lines, "", *measured_lines(records, result)]))
    if images.skipped:
        raise typer.Exit(SOME_FAILED)


def _evaluation(grid: str | None, runs_dir: Path) -> Evaluation:
    from ablate.cli.locate import find_grid
    from ablate.config import Evaluation

    if grid is None:
        return Evaluation()
    plan, _ = find_grid(grid, runs_dir)
    evaluation: Evaluation = Evaluation.model_validate(plan.points[0].cell["evaluation"])
    return evaluation
