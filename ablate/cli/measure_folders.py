"""Folders of `ablate measure`: reconstructions of any codec, measured by the protocol of the cells."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ablate.config import Evaluation


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


def evaluation_of(grid: str | None, runs_dir: Path) -> Evaluation:
    """Returns the evaluation of a grid, that of every preset where none is named."""
    from ablate.cli.locate import find_grid
    from ablate.config import Evaluation

    if grid is None:
        return Evaluation()
    plan, _ = find_grid(grid, runs_dir)
    evaluation: Evaluation = Evaluation.model_validate(plan.points[0].cell["evaluation"])
    return evaluation
