"""Decodes the images of a split once, into a file that all cells and processes share.

    <cache>/<key>/images.u8    the images one after another, uint8 RGB (3, height, width) each
    <cache>/<key>/index.json   their names, sizes, colour profiles and remarks, and the files that were refused

The key stands for the content of the files and for the rules of decoding. The directory appears as a whole, by one
rename; a process that finds another at work waits for it. One whose files are not as they were written is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ablate.atomic import fsync_directory, write_json
from ablate.config import Data
from ablate.data.images import INDEX, PIXELS, SKIP_OPTION, Images, is_whole, open_images, sealed
from ablate.data.selection import describe, select
from ablate.settings import content_sha256
from ablate.sources.digest import digest, hash_files, unreadable
from ablate.sources.folder import list_folder
from ablate.sources.protocol import ColourProfiles, Decoded, ImageError, SourceImage, Split, UnreadableError

SMALLEST_TEST_SIDE = 16
"""Height and width, in pixels, that a test image has at least; a training image holds a crop."""


@dataclass(frozen=True)
class ImageSet:
    """A set of images as it is to be decoded: the digest of its files, what is done to them, and what it is called."""

    digest: str
    colour_profiles: ColourProfiles
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of its directory: all that its pixels and its refusals depend on."""
        from ablate.sources.decode import RULES, VERSION

        rules = {"decoder": VERSION, "rules": RULES, "profiles": self.colour_profiles, "options": dict(self.options)}
        return content_sha256({"images": self.digest, **rules})[:12]

    @property
    def earlier_key(self) -> str:
        """The name that version 0.1 gave it."""
        from ablate.sources.decode import VERSION

        return content_sha256({"decoder": VERSION, "pictures": self.digest})[:12]


def prepare(data: Data, split: Split, cache: Path) -> Images:
    """Returns the images of a split of resolved settings, decoded now or before.

    Raises:
        ValueError: if images cannot be used (all of them, where `on_bad_image` is "skip"), or if the files are no
            longer those that the settings were resolved to.
        OSError: if the cache cannot be written; nothing is left of what was begun.
    """
    expected = data.digest(split)
    assert expected is not None, "data.resolve comes first"
    wanted = ImageSet(expected, data.colour_profiles, describe(data, split), data.options)
    directory = decode_once(wanted, lambda: _expected(data, split, wanted, cache), cache)
    smallest = data.crop if split == "train" else SMALLEST_TEST_SIDE
    return open_images(directory, smallest, skip=data.on_bad_image == "skip")


def prepare_folder(
    folder: Path, cache: Path, *, skip: bool = False, colour_profiles: ColourProfiles = "keep"
) -> Images:
    """Returns all images below a directory that no settings name, of any size, decoded now or before.

    Raises:
        ValueError: if there is none, or if some cannot be used (all of them, with `skip`).
        OSError: if the cache cannot be written; nothing is left of what was begun.
    """
    images = hash_files(list_folder(folder.resolve()), cache, colour_profiles)
    while True:
        wanted = ImageSet(digest(images), colour_profiles, str(folder))
        try:
            directory = decode_once(wanted, lambda: images, cache)  # noqa: B023 - called at once
        except LostError as error:
            # Once more without it; each turn loses one image more, so that this ends.
            images = tuple(error.image if image.name == error.image.name else image for image in images)
        else:
            return open_images(directory, smallest=1, skip=skip, way_out=SKIP_OPTION)


def decode_once(wanted: ImageSet, images: Callable[[], tuple[SourceImage, ...]], cache: Path) -> Path:
    """Returns the directory of a set of decoded images; made of `images` where it is missing or damaged."""
    cache.mkdir(parents=True, exist_ok=True)
    directory = cache / wanted.key
    if is_whole(directory):
        return directory
    with _alone(cache / f".{wanted.key}.lock"):
        if not is_whole(directory):
            try:
                _write(images(), wanted, directory)
            except ValueError:
                # Where the files are gone, what was decoded of them before is better than nothing.
                earlier = cache / wanted.earlier_key
                if wanted.colour_profiles == "keep" and is_whole(earlier):
                    return earlier
                raise
    return directory


def _expected(data: Data, split: Split, wanted: ImageSet, cache: Path) -> tuple[SourceImage, ...]:
    images = select(data, cache)[split]
    if digest(images) != wanted.digest:
        raise ValueError(f"the images of {wanted.name} have changed since the grid was planned; plan again")
    return images


class LostError(ValueError):
    """An image that was there when it was hashed and cannot be read any more; `image` says why."""

    def __init__(self, image: SourceImage, error: UnreadableError) -> None:
        super().__init__(f"{image.place or image.name}: {error}")
        self.image = unreadable(image.name, image.place, str(error))


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(images: tuple[SourceImage, ...], wanted: ImageSet, directory: Path) -> None:
    """Decodes `images` beside `directory` and renames; the caller holds the lock."""
    beside = directory.with_name(f".{directory.name}.writing")
    # What lies there was left by a process that was killed: it would hold the lock if it were alive.
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        about = {"source": wanted.name, "digest": wanted.digest, "colour_profiles": wanted.colour_profiles}
        index = _decode_into(beside / PIXELS, images)
        write_json(beside / INDEX, sealed(index | about))
        shutil.rmtree(directory, ignore_errors=True)  # a damaged one; who has mapped it keeps what it mapped
        beside.rename(directory)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    fsync_directory(directory.parent)


def _decode_into(path: Path, images: tuple[SourceImage, ...]) -> dict[str, Any]:
    index: dict[str, Any] = {key: [] for key in ("names", "shapes", "refused", "profiles", "remarks")}
    sha256 = hashlib.sha256()
    # Written from front to back: a full disk is an error here, and a bus error in a memory map.
    with path.open("wb") as file:
        for image in images:
            try:
                decoded = _read(image)
            except ImageError as error:
                index["refused"].append([image.name, str(error)])
                continue
            pixels = np.ascontiguousarray(decoded.pixels).data
            file.write(pixels)
            sha256.update(pixels)
            index["names"].append(image.name)
            index["shapes"].append(decoded.pixels.shape[1:])
            index["profiles"] += [[image.name, decoded.profile]] if decoded.profile else []
            index["remarks"] += [[image.name, remark] for remark in decoded.remarks]
        file.flush()
        os.fsync(file.fileno())
    return index | {"sha256": sha256.hexdigest()}


def _read(image: SourceImage) -> Decoded:
    """Returns an image in the form that is agreed on.

    Raises:
        ImageError: where it cannot be used, and that was known or is for ever.
        LostError: where it could be read before.
        ValueError: where its source gives something else.
    """
    if image.problem:
        raise ImageError(image.problem)
    try:
        decoded = image.read()
    except UnreadableError as error:
        raise LostError(image, error) from error
    pixels = decoded.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[0] != 3:
        raise ValueError(f"{image.name} is read as {pixels.dtype} {pixels.shape}; uint8 (3, height, width) is expected")
    return decoded
