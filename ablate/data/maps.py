"""Images with their label maps, decoded once beside them."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablate.config import Data
from ablate.config.data import SEGMENTATION
from ablate.data import cache as decoded
from ablate.data.images import Images, open_images
from ablate.data.map_files import directory_of, maps_below, maps_version, segmented_digest
from ablate.settings import content_sha256
from ablate.sources.digest import digest
from ablate.sources.files import read_file
from ablate.sources.label_maps import Labels, find_maps, labels_of
from ablate.sources.protocol import Decoded, SourceImage, Split
from ablate.sources.segmentation import segment


def prepare(data: Data, split: Split, cache: Path) -> Images:
    """Returns the images of a split of resolved settings, with their maps where settings name some; as `cache` does.

    Raises:
        ValueError: as for images, and if maps cannot be used or are no longer those that the settings were resolved to.
    """
    images = decoded.prepare(data, split, cache)
    found = with_maps(images, data.maps, directory_of(data, split), cache)
    if found.maps is not None and not images.skipped and data.maps_digest(split) not in (None, found.maps.digest):
        raise ValueError(f"the label maps of {data.maps} have changed since the grid was planned; plan again")
    return found


def with_maps(images: Images, maps: str | None, split: str, cache: Path) -> Images:
    """Returns images with the label maps that are made of them, or lie in the directory `maps`; as they are without.

    Raises:
        ValueError: for an image without a map, and for a map that cannot be read or has another size.
    """
    if maps is None:
        return images
    sources = _segmented(images) if maps == SEGMENTATION else maps_below(Path(maps), images.names, split)
    told = segmented_digest(images.digest) if maps == SEGMENTATION else digest(sources)
    rules = {"maps": maps_version(maps), "names": content_sha256(images.names)}
    wanted = decoded.ImageSet(told, "keep", f"label maps ({maps})", rules)
    directory = decoded.decode_once(wanted, lambda: sources, cache)
    found = open_images(directory, smallest=1, skip=False, way_out="")
    for name, mine, other in zip(images.names, found.shapes, images.shapes, strict=True):
        if mine != other:
            sizes = f"{other[0]}x{other[1]} pixels, and its label map {mine[0]}x{mine[1]}"
            raise ValueError(f"{name} is {sizes}: they must be equal")
    return replace(images, maps=found)


def labels_beside(image: NDArray[np.uint8], path: Path, maps: str | None) -> Labels | None:
    """Returns the labels, uint8 (H, W), that go with one image, None without maps.

    Args:
        image: uint8 (3, H, W).
        path: of its file, whose name a map in a directory has.
        maps: "segmentation", a label image, or a directory of some.

    Raises:
        ValueError: where the map is missing or cannot be read.
    """
    if maps is None:
        return None
    if maps == SEGMENTATION:
        return segment(image)[0]
    file = find_maps(Path(maps), [path.name], path.parent.name)[path.name] if Path(maps).is_dir() else Path(maps)
    try:
        return labels_of(read_file(file))
    except ValueError as error:
        raise ValueError(f"the label map {file}: {error}") from error


def _segmented(images: Images) -> tuple[SourceImage, ...]:
    def read(index: int) -> Decoded:
        return Decoded(segment(images[index]))

    return tuple(SourceImage(name, "", functools.partial(read, index)) for index, name in enumerate(images.names))
