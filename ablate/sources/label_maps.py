"""Label maps beside images: a class for each pixel, and which pixels are of one instance.

A map is kept as three planes like an image: the class, and the number of the instance in two bytes, high and low. So
whatever draws crops of images draws them of maps. A label image is a palette or grey PNG, whose pixel values are the
labels; instances are the connected regions of a class. In Cityscapes' layout, where images are *_leftImg8bit.png, maps
are *_gtFine_labelIds.png, and *_gtFine_instanceIds.png beside them tell instances apart.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ablate.sources.files import read_file
from ablate.sources.folder import SUFFIXES, list_folder
from ablate.sources.protocol import Decoded, ImageError, UnreadableError

Labels = NDArray[np.uint8]

VERSION = 1
"""Raised when a file means another map, or other instances, than before."""
LARGEST_INSTANCE = 0xFFFF
_CITYSCAPES = re.compile(r"_gt(Fine|Coarse)_labelIds$")
_NAMED_AT_MOST = 5


def find_maps(directory: Path, images: Sequence[str], split: str) -> dict[str, Path]:
    """Returns the map of each image by the image's name.

    A map's path below the directory, without its ending, is that of the image, or ends in it; of several the one below
    the directory `split` is taken.

    Raises:
        ValueError: for images without a map, or with more than one.
    """
    known: dict[str, list[tuple[str, Path]]] = {}
    for key, path in _keys(directory).items():
        known.setdefault(PurePosixPath(key).name, []).append((key, path))
    found, missing = {}, []
    for image in images:
        key = _key(image).removesuffix("_leftImg8bit")
        there = [(k, p) for k, p in known.get(PurePosixPath(key).name, []) if k == key or k.endswith(f"/{key}")]
        if len(there) > 1:
            there = [(k, p) for k, p in there if k == f"{split}/{key}"] or there
        if len(there) > 1:
            names = ", ".join(str(path) for _, path in there[:2])
            raise ValueError(f"{image} has more than one label map: {names}; name one {split}/{key}.png")
        if there:
            found[image] = there[0][1]
        else:
            missing.append(image)
    if missing:
        listed = ", ".join(missing[:_NAMED_AT_MOST]) + (", …" if len(missing) > _NAMED_AT_MOST else "")
        expected = f"{_key(missing[0])}.png" if not missing[0].endswith("_leftImg8bit.png") else "*_gtFine_labelIds.png"
        raise ValueError(
            f"{len(missing)} of {len(images)} images have no label map below {directory}: {listed}; {expected} is "
            "expected, with the labels as pixel values"
        )
    return found


def _keys(directory: Path) -> Mapping[str, Path]:
    """Returns the maps below a directory by path without its ending; of Cityscapes' files the label maps alone."""
    listed = {_key(name): path for name, path in list_folder(directory)}
    cityscapes = {_CITYSCAPES.sub("", key): path for key, path in listed.items() if _CITYSCAPES.search(key)}
    return cityscapes or listed


def _key(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in SUFFIXES else name


def map_sha256(path: Path) -> str:
    """Returns the hash of a map's files: its labels and, in Cityscapes' layout, its instances.

    Raises:
        UnreadableError: where they cannot be read.
    """
    digest = hashlib.sha256(read_file(path))
    if (instances := _instances_of(path)) is not None:
        digest.update(read_file(instances))
    return digest.hexdigest()


def read_map(path: Path, sha256: str) -> Decoded:
    """Returns the planes of the map in a file that was hashed before.

    Raises:
        ImageError: for what is no label image.
        UnreadableError: if a file cannot be read, or is another by now.
    """
    if map_sha256(path) != sha256:
        raise UnreadableError("it has changed while it was read")
    labels = labels_of(read_file(path))
    if (instances := _instances_of(path)) is None:
        return Decoded(planes(labels, connected(labels)))
    numbers = _pixels(read_file(instances), ("I;16", "I", "L"))
    if numbers.shape != labels.shape:
        raise ImageError(f"{instances.name} is {numbers.shape} and not {labels.shape} as the labels")
    return Decoded(planes(labels, np.unique(numbers, return_inverse=True)[1].reshape(labels.shape)))


def _instances_of(path: Path) -> Path | None:
    other = path.with_name(path.name.replace("_labelIds.", "_instanceIds."))
    return other if other != path and other.is_file() else None


def labels_of(content: bytes) -> Labels:
    """Returns the labels, uint8 (H, W), that the pixels of a label image hold.

    Raises:
        ImageError: for another kind of image, or none.
    """
    return _pixels(content, ("P", "L", "1")).astype(np.uint8)


def _pixels(content: bytes, modes: Sequence[str]) -> NDArray[np.generic]:
    from PIL import Image

    from ablate.sources.decode import sample_format

    try:
        with Image.open(io.BytesIO(content)) as image:
            samples = sample_format(image)
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"it is no image: {error}") from error
    if image.mode not in modes:
        raise ImageError(
            f"its pixels are {image.mode}; a label image has a palette or is grey, its pixel values being the labels"
        )
    if samples in ("L;2", "L;4"):
        raise ImageError(
            f"its grey pixels have {samples[2:]} bits, which are scaled when read; save it with 8 or a palette"
        )
    return np.asarray(image)


def connected(labels: Labels) -> NDArray[np.intp]:
    """Numbers the connected regions of equal labels (H, W), from 0 in reading order; corners do not connect."""
    from skimage.measure import label

    numbered: NDArray[np.intp] = label(labels.astype(np.intp) + 1, connectivity=1) - 1
    return numbered


def planes(labels: Labels, instances: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Returns class and instance of each pixel as planes, uint8 (3, H, W).

    Raises:
        ImageError: for more instances than two bytes number.
    """
    if int(instances.max()) > LARGEST_INSTANCE:
        raise ImageError(f"it has {int(instances.max()) + 1} connected regions; {LARGEST_INSTANCE + 1} are the most")
    return np.stack([labels, instances >> 8, instances & 0xFF]).astype(np.uint8)


def instances_of(planes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Returns the number of each pixel's instance, int32 (H, W)."""
    return planes[1].astype(np.int32) << 8 | planes[2]
