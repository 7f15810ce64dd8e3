"""The seam of data sources: named, hashed images in splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
"""A split that holds images is disjoint from the others; there need not be one for validation."""

ColourProfiles = Literal["keep", "convert"]
"""Treatment of samples with another colour profile than sRGB: kept as they are, or converted to sRGB."""


class ImageError(ValueError):
    """An image that cannot be used; the message is the reason, without the image's name."""


class UnreadableError(ValueError):
    """An image that cannot be read here and now; the message is the reason, without the image's name."""


UNREADABLE = "unreadable"
"""Stands where a hash would, in the digest of a set as well: once the image can be read, the set is another."""


_DONE = {"keep": "taken as if it were sRGB", "convert": "converted to sRGB"}


def profile_note(profile: str, done: ColourProfiles) -> str:
    """Says what a colour profile that is not sRGB was taken for."""
    return f"the colour profile is {profile}, {_DONE[done]}"


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image that was read: uint8 RGB (3, H, W), and what a reader of results should know about it.

    `profile` names a colour profile that is not sRGB; `remarks` say what was found and did no harm.
    """

    pixels: NDArray[np.uint8]
    profile: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceImage:
    """One image at rest: the name it goes by, the hash of what it holds, and how its pixels are read.

    Equal hashes stand for equal pixels, whatever the options of the source. `read` raises ImageError where the image
    cannot be used; `place` says in messages where it lies. What cannot be read at all has the hash UNREADABLE, and
    `problem` says why.
    """

    name: str
    sha256: str
    read: Callable[[], Decoded] = field(compare=False, repr=False)
    place: str = ""
    problem: str = ""


class DataSource(Protocol):
    """Images to train and to test on, and to choose settings by where there are some; making one reads nothing."""

    def stamp(self) -> Any:
        """Returns plain data that changes when the images might have; reads no image, since every command asks."""

    def images(self, cache: Path | None) -> Mapping[Split, tuple[SourceImage, ...]]:
        """Returns the images of each split; in the directory `cache` hashes may be remembered.

        Those for validation are left out where the source has none or is asked for none.

        Raises:
            ValueError: where there are none, or they are not those that are expected.
        """
