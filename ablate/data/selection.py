"""Which image files the settings mean, and the digests that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ablate.config import Data
from ablate.settings import content_sha256
from ablate.sources.digest import SourceFile, digest, hash_files
from ablate.sources.folder import list_folder, require_disjoint, split_by_content
from ablate.sources.photos import list_photos, photos

Split = Literal["train", "test"]


def resolve(data: Data, directory: Path, cache: Path | None = None) -> Data:
    """Returns the settings with absolute paths and the digests of their images; relative paths begin at `directory`.

    A digest that the settings hold already is a promise, and is checked. With a cache directory, files that have not
    changed are not read again.

    Raises:
        ValueError: for a missing or empty directory, an image on both sides of the split, or a broken promise.
    """
    data = data.model_copy(update=_absolute(data, directory))
    digests = {f"{split}_digest": digest(files) for split, files in select(data, cache).items()}
    for key, found in digests.items():
        expected = getattr(data, key)
        if expected not in (None, found):
            raise ValueError(f"data.{key} is {expected}, but the images that are there have the digest {found}")
    return data.model_copy(update=digests)


def select(data: Data, cache: Path | None = None) -> Mapping[Split, tuple[SourceFile, ...]]:
    """Returns the files of each split, hashed; paths in the settings are absolute."""
    if data.source == "photos":
        return {"train": photos("train", cache), "test": photos("test", cache)}
    if data.path is not None:
        train, test = split_by_content(hash_files(list_folder(Path(data.path)), cache), data.test_fraction)
    else:
        assert data.train is not None
        assert data.test is not None
        train = hash_files(list_folder(Path(data.train)), cache)
        test = hash_files(list_folder(Path(data.test)), cache)
        require_disjoint(train, test)
    return {"train": train, "test": test}


def stat_fingerprint(data: Data, directory: Path) -> str:
    """Returns a hash of the files' places, sizes and modification times: changes when the digests might have.

    Reads no image, so it is cheap enough for every command.

    Raises:
        ValueError: for a missing or empty directory.
    """
    if data.source == "photos":
        named = list_photos("train") + list_photos("test")
    else:
        named = [item for path in _absolute(data, directory).values() for item in list_folder(Path(path))]
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for _, path in named]
    return content_sha256(stamps)


def _absolute(data: Data, directory: Path) -> dict[str, Any]:
    given = {key: getattr(data, key) for key in ("path", "train", "test")}
    return {key: str((directory / Path(path).expanduser()).resolve()) for key, path in given.items() if path}
