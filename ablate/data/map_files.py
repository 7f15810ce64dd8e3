"""Which label maps the settings mean, and the digests that stand for them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablate.config import Data
from ablate.config.data import SEGMENTATION
from ablate.settings import content_sha256
from ablate.sources.digest import digest, stamps
from ablate.sources.folder import list_folder
from ablate.sources.label_maps import VERSION, find_maps, map_sha256, read_map
from ablate.sources.protocol import SourceImage, Split
from ablate.sources.segmentation import VERSION as SEGMENTATION_VERSION


def maps_digests(data: Data, images: Mapping[Split, Sequence[SourceImage]]) -> dict[str, str]:
    """Returns the digests of the maps of images to train and to test on, as settings hold them; none without maps.

    Raises:
        ValueError: for an image without a map, or with several.
    """
    splits: tuple[Split, ...] = ("train", "test") if data.maps else ()
    found = {}
    for split in splits:
        if data.maps == SEGMENTATION:
            found[f"{split}_maps_digest"] = segmented_digest(digest(images[split]))
        else:
            names = [image.name for image in images[split] if not image.problem]
            found[f"{split}_maps_digest"] = digest(maps_below(Path(str(data.maps)), names, directory_of(data, split)))
    return found


def maps_stamp(maps: str | None) -> list[tuple[str, int, int]]:
    """Returns what changes when a directory of maps might have; nothing for maps that are made of the images."""
    return [] if maps in (None, SEGMENTATION) else stamps(list_folder(Path(str(maps))))


def maps_below(directory: Path, images: Sequence[str], split: str) -> tuple[SourceImage, ...]:
    """Returns the maps of images by their names, hashed.

    Raises:
        ValueError: for an image without a map, or with several.
    """
    hashed = [(name, map_sha256(path), path) for name, path in find_maps(directory, images, split).items()]
    return tuple(
        SourceImage(name, sha, functools.partial(read_map, path, sha), str(path)) for name, sha, path in hashed
    )


def maps_version(maps: str) -> str:
    """Returns the rules that make maps of files, or of images."""
    return f"segmentation {SEGMENTATION_VERSION}" if maps == SEGMENTATION else f"labels {VERSION}"


def segmented_digest(images: str) -> str:
    """Returns the digest of the maps that are made of the images with such a digest."""
    return content_sha256([maps_version(SEGMENTATION), images])


def directory_of(data: Data, split: Split) -> str:
    """Returns the name of the directory that a split's images lie below; maps of equal names are told apart by it."""
    return Path(str(getattr(data, split) or split)).name
