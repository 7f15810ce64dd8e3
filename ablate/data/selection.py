"""Which images the settings mean, and the digests that stand for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.config import Data
from ablate.config.data import PLACES, SEGMENTATION
from ablate.data.images import require_usable
from ablate.data.map_files import maps_digests, maps_stamp
from ablate.settings import content_sha256
from ablate.sources.digest import digest
from ablate.sources.near_copies import find_near_copy
from ablate.sources.protocol import SPLITS, SourceImage, Split


def resolve(data: Data, directory: Path, cache: Path | None = None) -> Data:
    """Returns the settings with absolute paths and the digests of their images; relative paths begin at `directory`.

    A digest that the settings hold already is a promise, and is checked. With a cache directory, files that have not
    changed are not read again.

    Raises:
        ValueError: for a missing or empty directory, an image in two splits or a near copy of one, a broken
            promise, or an image that cannot be read where none is to be skipped.
    """
    data = data.model_copy(update=_absolute(data, directory))
    found = select(data, cache)
    _require_readable(data, found)
    digests = {f"{split}_digest": digest(images) for split, images in found.items()}
    _promised(data, digests)
    require_no_near_copies(found, itertools.combinations(found, 2), cache)
    if "validation" not in found and (data.validation or data.validation_fraction):
        raise ValueError(f'source = "{data.source}" gives no images for validation')
    return data.model_copy(update={**digests, **_promised(data, maps_digests(data, found))})


def _promised(data: Data, digests: Mapping[str, str]) -> Mapping[str, str]:
    for key, there in digests.items():
        expected = getattr(data, key)
        if expected not in (None, there):
            raise ValueError(f"data.{key} is {expected}, but the images that are there have the digest {there}")
    return digests


def _require_readable(data: Data, found: Mapping[Split, tuple[SourceImage, ...]]) -> None:
    """Refuses images of any split that cannot be read, all in one message."""
    refusals = []
    for split, images in found.items():
        problems = {image.name: image.problem for image in images if image.problem}
        kept = len(images) - len(problems)
        try:
            require_usable(describe(data, split), problems, kept, skip=data.on_bad_image == "skip")
        except ValueError as error:
            refusals.append(str(error))
    if refusals:
        raise ValueError("\n".join([*refusals, "the others were not decoded yet, which may show more"]))


def select(data: Data, cache: Path | None = None) -> Mapping[Split, tuple[SourceImage, ...]]:
    """Returns the images of each split, hashed; paths in the settings are absolute.

    Raises:
        ValueError: for an image in two splits, or by the source.
    """
    images = data.open().images(cache)
    for one, other in itertools.combinations([split for split in SPLITS if split in images], 2):
        require_disjoint(images[one], images[other], other, one)
    return images


def describe(data: Data, split: Split) -> str:
    """Says where the images of a split come from."""
    return str(getattr(data, split) or f"{data.path or data.source} ({split})")


def require_disjoint(
    known: Sequence[SourceImage], others: Sequence[SourceImage], name: str = "test", of: str = "train"
) -> None:  # fmt: skip
    """Refuses an image that is in both sets: what was learned or chosen from says nothing about other images.

    Args:
        known: images that are learned or chosen from.
        others: images that are to be measured.
        name: of the other set.
        of: name of the first set.
    """
    first = {image.sha256: image for image in known if not image.problem}
    for image in others:
        if image.sha256 in first:
            same = first[image.sha256]
            raise ValueError(
                f"{same.place or same.name} ({of}) and {image.place or image.name} ({name}) are the same image"
            )


def require_no_near_copies(
    sets: Mapping[Any, Sequence[SourceImage]], pairs: Iterable[tuple[str, str]], cache: Path | None
) -> None:
    """Refuses an image of one set that is a near copy of one in another: encoded again, smaller or slightly cropped.

    Args:
        sets: images by the name of their set.
        pairs: which sets are compared.
        cache: directory where perceptual hashes are remembered.
    """
    copy = find_near_copy(sets, pairs, cache)
    if copy is not None:
        both = zip(copy.images, copy.sets, strict=True)
        one, other = (f"{image.place or image.name} ({name})" for image, name in both)
        raise ValueError(
            f"{one} and {other} are near copies: they show the same, and even their fine detail correlates by "
            f"{copy.correlation:.2f}; leave one of them out"
        )


def stat_fingerprint(data: Data, directory: Path) -> str:
    """Returns a hash of what the source knows without reading: changes when the digests might have.

    Raises:
        ValueError: for a missing or empty directory.
    """
    data = data.model_copy(update=_absolute(data, directory))
    maps = maps_stamp(data.maps)
    return content_sha256([data.open().stamp(), maps] if maps else data.open().stamp())


def _absolute(data: Data, directory: Path) -> dict[str, Any]:
    given = {key: getattr(data, key) for key in PLACES}
    given |= {"maps": data.maps} if data.maps != SEGMENTATION else {}
    return {key: str((directory / Path(path).expanduser()).resolve()) for key, path in given.items() if path}
