"""`ablate store archive`, `import` and `merge`: a grid as a file, and stores joined to one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, Force, RunsDir

if TYPE_CHECKING:
    from ablate.store.merge import Merged

INCOMPLETE = 3


def archive(
    grid: Annotated[str, typer.Argument(metavar="GRID", help="A grid file, or the name of a grid that was run.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file. Default: the grid's name with .tar.")
    ] = None,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="With weights and states, or records and images alone.")
    ] = True,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="With images and their features, or the figures of them alone.")
    ] = True,
    force: Force = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Packs a grid into one tar file.

    Another machine imports it and reports from it.

    Records with their seals, plugins, warm-ups, the images that reports show, figures of other codecs, and the weights,
    unless they are not wanted: without weights and images a cell takes some 35 kB in a file that ends in .tar.xz, and
    a report has all but its pictures. The same content makes the same bytes. What a process trains or measures is left
    out and named; files of trackers and schedulers stay here.

    Example: ablate store archive quickstart --no-weights -o quickstart.tar
    """
    from ablate.cli.locate import find_grid
    from ablate.cli.store_upkeep import in_bytes
    from ablate.cli.terminal import command, plural
    from ablate.store.archive import archive as pack

    _, store = find_grid(grid, runs_dir)
    path = out or Path(f"{store.grid}.tar")
    if path.exists() and not force:
        raise ValueError(f"{path} is there already; --force writes over it")
    manifest, left_out = pack(store, path, weights=weights, images=images)
    if left_out:
        names = ", ".join(str(entry.path.relative_to(runs_dir)) for entry in left_out)
        typer.echo(f"left out, as a process is at them: {names}")
    typer.echo(f"{path}: {plural(len(manifest.files), 'file')}, {in_bytes(path.stat().st_size)}")
    typer.echo(f"elsewhere: {command('store', 'import', path.name)} && {command('report', store.grid)}")


def import_(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", dir_okay=False, exists=True, help="What `ablate store archive` made.")
    ],
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Unpacks an archive.

    The results directory gets it once every file is as it was packed.

    What is there already stays; results of one id that differ are refused, and nothing is changed then.

    Example: ablate store import quickstart.tar && ablate report quickstart
    """
    from ablate.store.archive import import_archive
    from ablate.store.merge import MergeError

    try:
        _, merged = import_archive(path, runs_dir)
    except MergeError as error:
        raise _refused(error, as_json) from error
    _tell(merged, as_json)


def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="DIR...", file_okay=False, help="Results directories.")],
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Joins results directories.

    Others, such as those of shards, go into this one.

    Every file that comes is hashed and compared with its seal. Two results of one id must be equal, in figures and
    weights; where any differ, all are named, the exit code is 3, and nothing is changed.

    Example: ablate store merge shard-1 shard-2 shard-3 shard-4
    """
    from ablate.store.merge import MergeError
    from ablate.store.merge import merge as join

    try:
        merged = join(sources, runs_dir)
    except MergeError as error:
        raise _refused(error, as_json) from error
    _tell(merged, as_json)


def _refused(error: Any, as_json: bool) -> typer.Exit:
    if as_json:
        typer.echo(json.dumps({"refused": list(error.refusals)}, indent=1))
    else:
        typer.echo(f"error: {error}", err=True)
    return typer.Exit(INCOMPLETE)


def _tell(merged: Merged, as_json: bool) -> None:
    from ablate.cli.terminal import plural

    if as_json:
        content = {
            "copied": [copy.label for copy in merged.copies],
            "completed": [str(path) for path in merged.completed],
            **{name: getattr(merged, name) for name in ("equal", "behind", "unsealed", "notes")},
        }
        typer.echo(json.dumps(content, indent=1))
        return
    for note in merged.notes:
        typer.echo(note)
    counts = [f"{plural(len(merged.copies), 'entry', 'entries')} copied", f"{merged.equal} there already and equal"]
    counts += [f"{plural(len(merged.completed), 'missing file')} copied"] * bool(merged.completed)
    counts += [f"{merged.behind} further here"] * bool(merged.behind)
    counts += [f"{merged.unsealed} without a seal, so that nothing can be said of their files"] * bool(merged.unsealed)
    typer.echo(", ".join(counts))
