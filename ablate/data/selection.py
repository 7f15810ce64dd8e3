"""Which images the settings mean, and the digests that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.config import Data
from ablate.data.images import require_usable
from ablate.settings import content_sha256
from ablate.sources.digest import digest
from ablate.sources.protocol import SourceImage, Split


def resolve(data: Data, directory: Path, cache: Path | None = None) -> Data:
    """Returns the settings with absolute paths and the digests of their images; relative paths begin at `directory`.

    A digest that the settings hold already is a promise, and is checked. With a cache directory, files that have not
    changed are not read again.

    Raises:
        ValueError: for a missing or empty directory, an image on both sides of the split, a broken promise, or an image
            that cannot be read where none is to be skipped.
    """
    data = data.model_copy(update=_absolute(data, directory))
    found = select(data, cache)
    for split, images in found.items():
        problems = {image.name: image.problem for image in images if image.problem}
        require_usable(describe(data, split), problems, len(images) - len(problems), skip=data.on_bad_image == "skip")
    digests = {f"{split}_digest": digest(images) for split, images in found.items()}
    for key, there in digests.items():
        expected = getattr(data, key)
        if expected not in (None, there):
            raise ValueError(f"data.{key} is {expected}, but the images that are there have the digest {there}")
    return data.model_copy(update=digests)


def select(data: Data, cache: Path | None = None) -> Mapping[Split, tuple[SourceImage, ...]]:
    """Returns the images of each split, hashed; paths in the settings are absolute.

    Raises:
        ValueError: for an image on both sides of the split, or by the source.
    """
    images = data.open().images(cache)
    require_disjoint(images["train"], images["test"])
    return images


def describe(data: Data, split: Split) -> str:
    """Says where the images of a split come from."""
    return str(getattr(data, split) or f"{data.path or data.source} ({split})")


def require_disjoint(train: Sequence[SourceImage], test: Sequence[SourceImage], name: str = "test") -> None:
    """Refuses an image that is in both sets: what was trained on says nothing about other images.

    Args:
        train: images of the one set.
        test: images of the other.
        name: of the other set.
    """
    trained = {image.sha256: image for image in train if not image.problem}
    for image in test:
        if image.sha256 in trained:
            same = trained[image.sha256]
            raise ValueError(
                f"{same.place or same.name} (train) and {image.place or image.name} ({name}) are the same image"
            )


def stat_fingerprint(data: Data, directory: Path) -> str:
    """Returns a hash of what the source knows without reading: changes when the digests might have.

    Raises:
        ValueError: for a missing or empty directory.
    """
    return content_sha256(data.model_copy(update=_absolute(data, directory)).open().stamp())


def _absolute(data: Data, directory: Path) -> dict[str, Any]:
    given = {key: getattr(data, key) for key in ("path", "train", "test")}
    return {key: str((directory / Path(path).expanduser()).resolve()) for key, path in given.items() if path}
