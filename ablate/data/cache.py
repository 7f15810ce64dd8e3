"""Decodes the images of a split once, into a file that all cells and processes share.

    <cache>/<key>/images.u8    the images one after another, uint8 RGB (3, height, width) each
    <cache>/<key>/index.json     their names and sizes, and the files that were refused, with the reason

The key stands for the files' content and for the rules of decoding. The directory appears as a whole, by one rename;
a process that finds another at work waits for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ablate.config import Data
from ablate.data.images import INDEX, PIXELS, Images, open_images
from ablate.data.selection import describe, select
from ablate.settings import content_sha256
from ablate.sources.digest import digest, hash_files, unreadable
from ablate.sources.folder import list_folder
from ablate.sources.protocol import ImageError, SourceImage, Split, UnreadableError

SMALLEST_TEST_SIDE = 16
"""Height and width, in pixels, that a test image has at least; a training image holds a crop."""


def prepare(data: Data, split: Split, cache: Path) -> Images:
    """Returns the images of a split of resolved settings, decoded now or before.

    Raises:
        ValueError: if images cannot be used (all of them, where `on_bad_image` is "skip"), or if the files are no
            longer those that the settings were resolved to.
        OSError: if the cache cannot be written; nothing is left of what was begun.
    """
    expected = data.train_digest if split == "train" else data.test_digest
    assert expected is not None, "data.resolve comes first"
    source = describe(data, split)
    directory = _decoded(expected, lambda: _expected(data, split, expected, cache), source, cache)
    smallest = data.crop if split == "train" else SMALLEST_TEST_SIDE
    return open_images(directory, smallest, skip=data.on_bad_image == "skip")


def prepare_folder(folder: Path, cache: Path, *, skip: bool = False) -> Images:
    """Returns all images below a directory that no settings name, of any size, decoded now or before.

    Raises:
        ValueError: if there is none, or if some cannot be used (all of them, with `skip`).
        OSError: if the cache cannot be written; nothing is left of what was begun.
    """
    images = hash_files(list_folder(folder.resolve()), cache)
    while True:
        try:
            directory = _decoded(digest(images), lambda: images, str(folder), cache)  # noqa: B023 - called at once
        except LostError as error:
            # Once more without it; each turn loses one image more, so that this ends.
            images = tuple(error.image if image.name == error.image.name else image for image in images)
        else:
            return open_images(directory, smallest=1, skip=skip)


def _decoded(expected: str, images: Callable[[], tuple[SourceImage, ...]], source: str, cache: Path) -> Path:
    """Returns the directory of the decoded images whose digest is `expected`; made of `images` where it is missing."""
    from ablate.sources.decode import VERSION

    cache.mkdir(parents=True, exist_ok=True)
    key = content_sha256({"decoder": VERSION, "pictures": expected})[:12]
    directory = cache / key
    if not directory.is_dir():
        with _alone(cache / f".{key}.lock"):
            if not directory.is_dir():
                _write(images(), source, directory)
    return directory


def _expected(data: Data, split: Split, expected: str, cache: Path) -> tuple[SourceImage, ...]:
    images = select(data, cache)[split]
    if digest(images) != expected:
        raise ValueError(f"the images of {describe(data, split)} have changed since the grid was planned; plan again")
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


def _write(images: tuple[SourceImage, ...], source: str, directory: Path) -> None:
    """Decodes `images` beside `directory` and renames; the caller holds the lock."""
    beside = directory.with_name(f".{directory.name}.writing")
    # What lies there was left by a process that was killed: it would hold the lock if it were alive.
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        index = _decode_into(beside / PIXELS, images) | {"source": source, "digest": digest(images)}
        with (beside / INDEX).open("w") as file:
            json.dump(index, file)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(directory)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    handle = os.open(directory.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _decode_into(path: Path, images: tuple[SourceImage, ...]) -> dict[str, Any]:
    names, shapes, refused = [], [], []
    # Written from front to back: a full disk is an error here, and a bus error in a memory map.
    with path.open("wb") as file:
        for image in images:
            if image.problem:
                refused.append([image.name, image.problem])
                continue
            try:
                decoded = image.read()
            except UnreadableError as error:
                raise LostError(image, error) from error
            except ImageError as error:
                refused.append([image.name, str(error)])
                continue
            pixels = decoded.pixels
            if pixels.dtype != "uint8" or pixels.ndim != 3 or pixels.shape[0] != 3:
                raise ValueError(
                    f"{image.name} is read as {pixels.dtype} {pixels.shape}; uint8 (3, height, width) is expected"
                )
            file.write(pixels.tobytes())
            names.append(image.name)
            shapes.append(pixels.shape[1:])
        file.flush()
        os.fsync(file.fileno())
    return {"names": names, "shapes": shapes, "refused": refused}
