"""A set of decoded images, mapped from one file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXELS = "images.u8"
INDEX = "index.json"


@dataclass(frozen=True, eq=False)
class Images:
    """Images by number, in the order of their names; several processes share the memory.

    `digest` stands for the files they were decoded from, `skipped` names those left out, with the reason.
    """

    names: tuple[str, ...]
    digest: str
    skipped: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[int, int], ...]
    offsets: tuple[int, ...]
    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Returns an image, uint8 RGB (3, height, width): a view that cannot be written to."""
        height, width = self.shapes[index]
        start = self.offsets[index]
        return self.pixels[start : start + 3 * height * width].reshape(3, height, width)


def open_images(directory: Path, smallest: int, skip: bool) -> Images:
    """Opens the decoded images in a directory, those whose sides are `smallest` pixels or more.

    Raises:
        ValueError: if an image is unusable or too small and `skip` is off, or if none is left.
    """
    index: dict[str, Any] = json.loads((directory / INDEX).read_text())
    size = sum(3 * math.prod(shape) for shape in index["shapes"])
    if (directory / PIXELS).stat().st_size != size:
        raise ValueError(f"{directory / PIXELS} is not {size} bytes long as {INDEX} says; delete {directory}")
    skipped = dict(index["refused"])
    kept = []
    offset = 0
    for name, (height, width) in zip(index["names"], index["shapes"], strict=True):
        if min(height, width) < smallest:
            skipped[name] = f"it is {height} pixels high and {width} wide; both must be {smallest} or more"
        else:
            kept.append((name, (height, width), offset))
        offset += 3 * height * width
    require_usable(index["source"], skipped, kept=len(kept), skip=skip)
    names, shapes, offsets = zip(*kept, strict=True)
    pixels = np.memmap(directory / PIXELS, np.uint8, mode="r")
    return Images(names, index["digest"], tuple(sorted(skipped.items())), shapes, offsets, pixels)


_NAMED_AT_MOST = 10


def require_usable(source: str, skipped: Mapping[str, str], kept: int, skip: bool) -> None:
    """Refuses a set of which some images have to be `skipped`, unless that is wanted and others are left.

    Raises:
        ValueError: with the first ten of them.
    """
    if kept and (skip or not skipped):
        return
    lines = [f"  {name}: {reason}" for name, reason in sorted(skipped.items())]
    if len(lines) > _NAMED_AT_MOST:
        lines = [*lines[:_NAMED_AT_MOST], f"  and {len(lines) - _NAMED_AT_MOST} more"]
    summary = f"{len(skipped)} of {len(skipped) + kept} images of {source} cannot be used"
    hint = 'on_bad_image = "skip" (on the command line --on-bad-image skip) leaves them out' if kept else "none is left"
    raise ValueError("\n".join([f"{summary}; {hint}:", *lines]))
