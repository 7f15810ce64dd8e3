"""`ablate decompress`: files of a trained cell back to images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, ComputeOn, Force, OfGrid, Out, RunsDir

if TYPE_CHECKING:
    from ablate.cli.conversion import Conversion
    from ablate.codecs.trained import TrainedCodec

FindCodec = Callable[[bytes], "TrainedCodec"]


def decompress(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files that `ablate compress` wrote, or directories of them.")
    ],
    out: Out,
    cell: Annotated[
        str | None,
        typer.Option(
            "--cell", metavar="CELL", help="The cell to take, or its directory. Default: the one that a file names."
        ),
    ] = None,
    grid: OfGrid = None,
    device: ComputeOn = "cpu",
    force: Force = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Makes images of compressed files.

    Each is a PNG file NAME.png. A compressed file names the weights that wrote it, and the finished cells under
    --runs-dir are searched for them. A truncated or altered file, and one of other weights, is an error and never a
    wrong image; exit code 3 then.

    On the processor that measured a cell the images are those it recorded, bit for bit. Another kind of processor
    sums in another order, and a pixel in some hundred thousand may lie one level beside.

    Example: ablate decompress compressed/*.ablt -o images
    """
    from ablate.cli.conversion import conversions, convert
    from ablate.cli.terminal import plural

    work = conversions(files, out, ".png", _files, force)
    codec_of = _chosen(cell, runs_dir, grid, device) if cell else _named(runs_dir, grid, device)
    told = convert(work, lambda each: _decompress(each, codec_of), _line, as_json)
    typer.echo(plural(len(told), "image"), err=as_json)


def _files(directory: Path) -> list[Path]:
    from ablate.cli.compress import SUFFIX

    found = sorted(directory.rglob(f"*{SUFFIX}"))
    if not found:
        raise ValueError(f"{directory} holds no file NAME{SUFFIX}")
    return found


def _chosen(cell: str, runs: Path, grid: str | None, device: str) -> FindCodec:
    """Returns what gives the cell's codec with the weights that a file names."""
    from ablate.cli.locate import entry_name, find_entry
    from ablate.records import WEIGHTS
    from ablate.store.weights import load

    entry = find_entry(cell, runs, grid)
    codecs = {weights: load(entry, weights, device) for weights in WEIGHTS}

    def find(model: bytes) -> TrainedCodec:
        for codec in codecs.values():
            if codec.model_id == model:
                return codec
        are = ", ".join(f"{weights} {codec.model_id.hex()}" for weights, codec in codecs.items())
        raise ValueError(f"it was written by the model {model.hex()}, and {entry_name(entry)} is another ({are})")

    return find


def _named(runs: Path, grid: str | None, device: str) -> FindCodec:
    """Returns what finds the codec that a file names, once for all files of one."""
    import functools

    from ablate.cli.locate import find_model

    return functools.cache(lambda model: find_model(model, runs, grid, device))


def _decompress(each: Conversion, codec_of: FindCodec) -> dict[str, Any]:
    from ablate.atomic import write_bytes
    from ablate.codecs.container import opened
    from ablate.data.png import to_png
    from ablate.sources.files import read_file

    file = read_file(each.source)
    codec = codec_of(opened(file).model)
    image = codec.decode(file)
    write_bytes(each.target, to_png(image.numpy()))
    return {"height": image.shape[1], "width": image.shape[2], "model": codec.model_id.hex()}


def _line(record: dict[str, Any]) -> str:
    return f"{record['height']}x{record['width']} pixels"
