"""`ablate compress`: images to files, by a trained cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import (
    RUNS,
    AsJson,
    ComputeOn,
    Force,
    GivenMaps,
    Masks,
    OfGrid,
    Out,
    RunsDir,
    TrainedCell,
    WhichWeights,
)

if TYPE_CHECKING:
    from ablate.cli.conversion import Conversion
    from ablate.codecs.trained import TrainedCodec
    from ablate.sources.protocol import ColourProfiles

SUFFIX = ".ablt"


def compress(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="PNG, JPEG, WebP or TIFF files, or directories of them.")
    ],
    cell: TrainedCell,
    out: Out,
    weights: WhichWeights = "ema",
    maps: GivenMaps = None,
    mask: Masks = None,
    grid: OfGrid = None,
    device: ComputeOn = "cpu",
    force: Force = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compresses images by a trained cell.

    Each to a file NAME.ablt, which holds what its image takes and nothing else: the recorded bits per pixel count its
    bytes. It names the weights that wrote it; `ablate decompress` needs the same. Images may have any size up to
    65,535 pixels a side; large ones are done in tiles. Where a label map guides the codec the
    file holds it, losslessly, and its bytes are told apart. A selective codec sends the blocks that hold a pixel of
    the --mask, all without one, and the file holds which. Exit code 3 where an image could not be done.

    Example: ablate compress photos/*.png --cell "hinge scales=3 seed=0" -o compressed
    """
    from ablate.cli.conversion import conversions, convert
    from ablate.cli.locate import colour_profiles_of, entry_name, find_entry, maps_of
    from ablate.cli.terminal import plural
    from ablate.store.weights import load

    work = conversions(images, out, SUFFIX, _images, force)
    entry = find_entry(cell, runs_dir, grid)
    codec = load(entry, weights, device)
    if mask is not None and not codec.networks.takes_mask:
        raise ValueError(f"{entry_name(entry)} sends all of an image (model.selective), and --mask leaves a part out")
    profiles, beside = colour_profiles_of(entry), maps_of(entry, maps)
    told = convert(work, lambda each: _compress(each, codec, profiles, beside, mask), _line, as_json)
    total = sum(one["bytes"] for one in told)
    mean = sum(one["bits_per_pixel"] for one in told) / len(told)
    typer.echo(
        f"{plural(len(told), 'file')}, {total:,} bytes, mean {mean:.4f} bit/pixel, by {entry_name(entry)}, {weights}, "
        f"model {codec.model_id.hex()}",
        err=as_json,
    )


def _images(directory: Path) -> list[Path]:
    from ablate.sources.folder import list_folder

    return [path for _, path in list_folder(directory)]


def _compress(
    each: Conversion, codec: TrainedCodec, profiles: ColourProfiles, maps: str | None, mask: Path | None
) -> dict[str, Any]:
    import torch

    from ablate.atomic import write_bytes
    from ablate.codecs.container import opened
    from ablate.codecs.side import side_beside
    from ablate.data.maps import labels_beside
    from ablate.sources.decode import decode
    from ablate.sources.files import read_file
    from ablate.sources.protocol import profile_note

    decoded = decode(read_file(each.source), profiles)
    image = torch.from_numpy(decoded.pixels)
    region = labels_beside(decoded.pixels, each.source, str(mask)) if mask else None
    side = side_beside(labels_beside(decoded.pixels, each.source, maps))
    file = codec.encode(image, side, None if region is None else torch.from_numpy(region > 0))
    write_bytes(each.target, file)
    height, width = image.shape[1:]
    size = {"height": height, "width": width}
    profile = [profile_note(decoded.profile, profiles)] if decoded.profile else []
    remarks = [*profile, *decoded.remarks]
    return size | {
        "bytes": len(file),
        **{f"{field.name}_bytes": len(content) for field, content in opened(file).fields.items()},
        "bits_per_pixel": 8 * len(file) / (height * width),
        "model": codec.model_id.hex(),
        **({"remarks": remarks} if remarks else {}),
    }


def _line(record: dict[str, Any]) -> str:
    beside = [f"{record[key]:,} of them {key.removesuffix('_bytes')}" for key in record if key.endswith("_bytes")]
    remarks = "".join(f"; {remark}" for remark in record.get("remarks", ()))
    whole = ", ".join([f"{record['bytes']:,} bytes", *beside])
    return f"{whole}, {record['bits_per_pixel']:.4f} bit/pixel{remarks}"
