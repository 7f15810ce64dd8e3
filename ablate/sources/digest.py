"""The identity of images: the hash of each file, and the digest of an ordered set of them."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from ablate.atomic import write_json
from ablate.settings import content_sha256
from ablate.sources.files import read_image, reason, require_regular
from ablate.sources.protocol import UNREADABLE, ColourProfiles, SourceImage, UnreadableError

_HASHES = "hashes.json"
_SETTLED_NS = 2_000_000_000
"""A file changed less than two seconds ago may change again within one tick of its time stamp: not remembered."""


def hash_files(
    named: Sequence[tuple[str, Path]], cache: Path | None = None, profiles: ColourProfiles = "keep"
) -> tuple[SourceImage, ...]:
    """Hashes files given by name and absolute path; what cannot be read is an image that says so.

    `profiles` says how they are read. With a cache directory, a file whose path, size and modification time are known
    is not read again.
    """
    known = _read_known(cache) if cache else {}
    fresh: dict[str, list[int | str]] = {}
    images = []
    for name, path in named:
        try:
            sha256 = _hash(path, known, fresh)
        except UnreadableError as error:
            images.append(unreadable(name, path, str(error)))
        else:
            images.append(SourceImage(name, sha256, functools.partial(read_image, path, sha256, profiles), str(path)))
    if cache and fresh:
        # Of two writers at once the last one wins, and the other's hashes are made again.
        write_json(cache / _HASHES, known | fresh)
    return tuple(images)


def unreadable(name: str, place: Path | str, problem: str) -> SourceImage:
    """Returns an image that cannot be read, with the reason."""

    def refuse() -> NoReturn:
        raise UnreadableError(problem)

    return SourceImage(name, UNREADABLE, refuse, str(place), problem)


def _hash(path: Path, known: Mapping[str, list[int | str]], fresh: dict[str, list[int | str]]) -> str:
    status = require_regular(path)
    stamp = [status.st_size, status.st_mtime_ns]
    entry = known.get(str(path))
    if entry and entry[:2] == stamp:
        return str(entry[2])
    sha256 = file_sha256(path)
    if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
        fresh[str(path)] = [*stamp, sha256]
    return sha256


def stamps(named: Iterable[tuple[str, Path]]) -> list[tuple[str, int, int]]:
    """Returns the place, size and modification time of each file: they change when its content might have."""
    return [(str(path), *_size_and_time(path)) for _, path in named]


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1  # which changes once it can be read
    return status.st_size, status.st_mtime_ns


def digest(images: Iterable[SourceImage]) -> str:
    """Returns the sha256 over names and contents in their order; where the images lie does not matter."""
    return content_sha256([[image.name, image.sha256] for image in images])


def file_sha256(path: Path) -> str:
    """Returns the sha256 of a file's bytes, as hexadecimal digits.

    Raises:
        UnreadableError: where reading fails.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise reason(path, error) from error


def _read_known(cache: Path) -> dict[str, list[int | str]]:
    """Returns what is remembered; of a damaged file nothing, so that all is hashed again and written anew."""
    try:
        known: dict[str, list[int | str]] = json.loads((cache / _HASHES).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) and all(map(_is_entry, known.values())) else {}


def _is_entry(entry: object) -> bool:
    return isinstance(entry, list) and [type(part) for part in entry] == [int, int, str]
