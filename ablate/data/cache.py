"""Decodes the images of a split once, into a file that all cells and processes share.

    <cache>/<key>/images.u8    the images one after another, uint8 RGB (3, height, width) each
    <cache>/<key>/index.json     their names and sizes, and the files that were refused, with the reason

The key stands for the files' content and for the rules of decoding. The directory appears as a whole, by one rename;
a process that finds another at work waits for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ablate.config import Data
from ablate.data.images import INDEX, PIXELS, Images, open_images
from ablate.data.selection import Split, select
from ablate.settings import content_sha256
from ablate.sources.digest import SourceFile, digest, hash_files
from ablate.sources.folder import list_folder

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
    source = _describe(data, split)
    directory = _decoded(expected, lambda: _expected_files(data, split, expected, cache), source, cache)
    smallest = data.crop if split == "train" else SMALLEST_TEST_SIDE
    return open_images(directory, smallest, skip=data.on_bad_image == "skip")


def prepare_folder(folder: Path, cache: Path, *, skip: bool = False) -> Images:
    """Returns all images below a directory that no settings name, of any size, decoded now or before.

    Raises:
        ValueError: if there is none, or if some cannot be used (all of them, with `skip`).
        OSError: if the cache cannot be written; nothing is left of what was begun.
    """
    files = hash_files(list_folder(folder.resolve()), cache)
    return open_images(_decoded(digest(files), lambda: files, str(folder), cache), smallest=1, skip=skip)


def _decoded(expected: str, files: Callable[[], tuple[SourceFile, ...]], source: str, cache: Path) -> Path:
    """Returns the directory of the decoded images whose digest is `expected`; made of `files` where it is missing."""
    from ablate.sources.decode import VERSION

    cache.mkdir(parents=True, exist_ok=True)
    key = content_sha256({"decoder": VERSION, "pictures": expected})[:12]
    directory = cache / key
    if not directory.is_dir():
        with _alone(cache / f".{key}.lock"):
            if not directory.is_dir():
                _write(files(), source, directory)
    return directory


def _expected_files(data: Data, split: Split, expected: str, cache: Path) -> tuple[SourceFile, ...]:
    files = select(data, cache)[split]
    if digest(files) != expected:
        raise ValueError(f"the images of {_describe(data, split)} have changed since the grid was planned; plan again")
    return files


def _describe(data: Data, split: Split) -> str:
    if data.source == "photos":
        return f"photos ({split})"
    return str(getattr(data, split) or f"{data.path} ({split})")


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(files: tuple[SourceFile, ...], source: str, directory: Path) -> None:
    """Decodes `files` beside `directory` and renames; the caller holds the lock."""
    beside = directory.with_name(f".{directory.name}.writing")
    # What lies there was left by a process that was killed: it would hold the lock if it were alive.
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        index = _decode_into(beside / PIXELS, files) | {"source": source, "digest": digest(files)}
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


def _decode_into(path: Path, files: tuple[SourceFile, ...]) -> dict[str, Any]:
    from ablate.sources.decode import ImageError, decode

    names, shapes, refused = [], [], []
    # Written from front to back: a full disk is an error here, and a bus error in a memory map.
    with path.open("wb") as pixels:
        for file in files:
            content = file.path.read_bytes()
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise ValueError(f"{file.path} has changed while it was read")
            try:
                image = decode(content)
            except ImageError as error:
                refused.append([file.name, str(error)])
                continue
            pixels.write(image.tobytes())
            names.append(file.name)
            shapes.append(image.shape[1:])
        pixels.flush()
        os.fsync(pixels.fileno())
    return {"names": names, "shapes": shapes, "refused": refused}
