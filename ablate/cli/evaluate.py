"""`ablate eval`: a trained cell measured on other images."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ablate.cli.conversion import SOME_FAILED
from ablate.cli.options import RUNS, AsJson, ComputeOn, Force, GivenMaps, OfGrid, RunsDir, TrainedCell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ablate.records import Result, Uncertainty
    from ablate.store import Entry

LISTED = 40
"""Images that are listed one by one in a terminal; the table in the records holds all."""
PER_IMAGE = ("psnr", "ms_ssim", "bpp_actual")


def eval(  # noqa: A001 - the command's name
    cell: TrainedCell,
    folder: Annotated[
        Path, typer.Option("--images", metavar="DIR", help="Images to measure on, searched recursively.")
    ],
    weights: Annotated[
        Literal["both", "ema", "raw"], typer.Option("--weights", help="Averaged weights, those of the last step, both.")
    ] = "both",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="For the records. Default: beside the cell's own.")
    ] = None,
    maps: GivenMaps = None,
    grid: OfGrid = None,
    on_bad_image: Annotated[
        Literal["error", "skip"], typer.Option("--on-bad-image", help="What to do about images that cannot be used.")
    ] = "error",
    device: ComputeOn = "cpu",
    force: Force = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Measures a trained cell on other images.

    Every metric is that of the grid, by the same protocol, and the same records are written: result.json, a table with
    a row for each image, the reconstructions. Exit code 3 where images were skipped.

    Example: ablate eval --cell 3fa9 --images photos/kodak
    """
    from ablate.cli.locate import colour_profiles_of, find_entry, maps_of
    from ablate.data import prepare_folder
    from ablate.data.maps import with_maps
    from ablate.evaluate.reevaluate import place, reevaluate
    from ablate.execute.environment import accelerator, provenance
    from ablate.records import WEIGHTS
    from ablate.store import Entry, Store

    entry = find_entry(cell, runs_dir, grid)
    cache = Store(runs_dir, "").data_cache
    profiles = colour_profiles_of(entry)
    images = prepare_folder(folder, cache, skip=on_bad_image == "skip", colour_profiles=profiles)
    images = with_maps(images, maps_of(entry, maps, measured=True), folder.resolve().name, cache)
    records = Entry(out) if out else place(entry, folder, images)
    if records.result() is not None and not force:
        raise ValueError(f"{records.path / 'result.json'} is there already; --force measures anew and writes over it")
    for name, reason in images.skipped:
        typer.echo(f"skipped {name}: {reason}", err=True)
    for note in images.notes:
        typer.echo(note, err=True)
    trained = entry.cell_settings()
    if trained is not None and images.digest == trained.cell["data"]["train_digest"]:
        typer.echo("warning: these are the images that the cell was trained on", err=True)
    wanted = WEIGHTS if weights == "both" else (weights,)
    number = itertools.count(1)
    total = len(wanted) * len(images)
    result = reevaluate(
        entry,
        images,
        records,
        folder=folder,
        weights=wanted,
        cache=cache,
        device=device,
        environment=provenance(device, threads()).noting(**(accelerator() if device == "cuda" else {})),
        done=lambda name, image: typer.echo(f"[{next(number)}/{total}] {image} ({name})", err=True),
    )
    typer.echo(json.dumps(result.plain(), indent=1) if as_json else "\n".join(_lines(entry, records, result)))
    if images.skipped:
        typer.echo(f"{len(images.skipped)} of {len(images) + len(images.skipped)} could not be measured", err=True)
        raise typer.Exit(SOME_FAILED)


def threads() -> int:
    """Returns how many threads torch computes with."""
    import torch

    return torch.get_num_threads()


def _lines(entry: Entry, records: Entry, result: Result) -> list[str]:
    from ablate.cli.locate import entry_name
    from ablate.cli.terminal import paint, plural

    images = result.measured_images
    assert images is not None, "it was measured on a folder"
    head = f"{paint(entry_name(entry), 'title')} on {plural(images.count, 'image')} of {images.folder}"
    return [head, "", *measured_lines(records, result)]


def measured_lines(records: Entry, result: Result) -> list[str]:
    """Returns the figures of each image, of all together, and where the records lie."""
    measured = result.metrics
    first = next(iter(measured))
    return [
        *_each(records, first),
        *_summary(measured, result.uncertainty.get(first, {}), first),
        "",
        f"records: {records.path}",
    ]


def _each(records: Entry, weights: str) -> list[str]:
    import csv

    from ablate.cli.terminal import columns, number
    from ablate.metrics.catalogue import metrics

    def figure(row: dict[str, str], name: str) -> str:
        return number(float(row[name]) if row[name] else None, metrics[name].decimals)

    with records.images_csv.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["weights"] == weights]
    if len(rows) > LISTED:
        return []
    shown = [
        (row["image"], f"{row['height']}x{row['width']}", *(figure(row, name) for name in PER_IMAGE)) for row in rows
    ]
    return [*columns(("image", "size", *PER_IMAGE), shown), f"({weights})", ""]


def _summary(measured: dict[str, Any], uncertainty: Mapping[str, Uncertainty], first: str) -> list[str]:
    from ablate.cli.terminal import columns, figure

    others = [name for name in measured if name != first]
    rows = []
    for name, value in measured[first].items():
        around = uncertainty.get(name)
        within = f"{around.low:.6g} to {around.high:.6g}" if around and around.low is not None else "–"
        rows.append((name, figure(value), within, *(figure(measured[other].get(name)) for other in others)))
    header = ("metric", first, "95 % over images", *others)
    return columns(header, rows)
