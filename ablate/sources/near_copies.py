"""Near copies of images: encoded again, made smaller or brighter, or slightly cropped, found by what they look like.

Candidates are pairs of which some window has a perceptual hash near that of the whole of the other: signs of 64 low
frequencies of luma (seven rows of nine without the mean, and two more) against their median, after the "pHash" of
Zauner 2010 ("Implementation and Benchmarking of Perceptual Image Hash Functions"), which takes 8 x 8. A candidate is a
near copy where its luma, cut to the best window, correlates with the other's both as it is and without what is smooth.
What two photographs of like scenes share is smooth; what a copy keeps is not. Images without structure are never near
copies of each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ablate.atomic import write_json
from ablate.sources.protocol import ImageError, SourceImage, UnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image

Window = tuple[float, float, float, float]
"""Left, top, right and bottom edge, as shares of an image's sides."""
Luma = NDArray[np.float64]

WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
WINDOWS: tuple[Window, ...] = (
    WHOLE,
    *((edge, edge, 1 - edge, 1 - edge) for edge in (0.025, 0.05)),
    *((left, top, left + 0.92, top + 0.92) for left in (0.0, 0.08) for top in (0.0, 0.08)),
    *(
        (0.06 * left, 0.06 * top, 1 - 0.06 * right, 1 - 0.06 * bottom)
        for left, top, right, bottom in np.eye(4).tolist()
    ),
)
"""Windows of which each image has a hash, so that copies with up to a tenth cut off are candidates."""
BITS_APART = 12
"""Bits of 64 in which hashes of a candidate differ at most: 3 of 51,360 pairs of different photographs do."""
ALIKE, FINE_ALIKE = 0.9, 0.8
"""Least correlations of a near copy. Copies have 0.93 and 0.83 or more (brightness clipped by a factor of 1.4 is the
lowest), different photographs 0.85 and 0.27 at most, and two views of one scene from 19 cm apart 0.85 and 0.57."""
SMALLEST_SHARE = 0.75
"""Share of an image's side that is left in a copy at least."""

_SMALL, _SIDE, _LOWEST = 256, 32, 8
_FINGERPRINTS = "fingerprints.json"


@dataclass(frozen=True)
class NearCopy:
    """An image of each of two sets that show the same, and how alike their luma is without what is smooth."""

    sets: tuple[str, str]
    images: tuple[SourceImage, SourceImage]
    correlation: float


def find_near_copy(
    sets: Mapping[str, Sequence[SourceImage]], pairs: Iterable[tuple[str, str]], cache: Path | None = None
) -> NearCopy | None:
    """Returns the first near copy of an image of one set in another, None where there is none.

    What cannot be read is left to who reads it in earnest.

    Args:
        sets: images by the name of their set.
        pairs: which sets are compared.
        cache: directory where hashes are remembered, so that no image is read again but those that look alike.
    """
    memory = _Hashes.read(cache)
    hashes = {name: memory.of(images) for name, images in sets.items()}
    memory.write()
    for one, other in pairs:
        first, second = list(hashes[one]), hashes[other]
        table = np.array(list(hashes[one].values()))
        for image, own in second.items() if first else ():
            apart = np.minimum(_apart(table, own[:1]), _apart(table[:, :1], own))
            for candidate in (first[number] for number in np.flatnonzero(apart <= BITS_APART)):
                if (fine := _correlation(candidate, image)) is not None:
                    return NearCopy((one, other), (candidate, image), fine)
    return None


def perceptual_hashes(image: Image) -> NDArray[np.uint64]:
    """Returns the hash of each window of an image in luma: (windows,)."""
    return np.array([_hash(_view(image, window)) for window in WINDOWS], np.uint64)


def near_copy_correlation(one: Image, other: Image) -> float | None:
    """Returns how alike two images in luma are where fine, None where one is no near copy of the other."""
    found = [_best(*pair) for pair in ((one, other), (other, one))]
    alike, fine = max(found)
    return fine if alike >= ALIKE and fine >= FINE_ALIKE else None


def small_luma(pixels: NDArray[np.uint8]) -> Image:
    """Returns an image, uint8 (3, H, W), in luma and at most 256 pixels large."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("L")
    image.thumbnail((_SMALL, _SMALL), Image.Resampling.BOX)
    return image


def _apart(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Returns the fewest bits in which any of the hashes of each row, (n, windows), differs from any other hash."""
    least: NDArray[np.uint8] = np.bitwise_count(one ^ other).min(axis=1)
    return least


def _correlation(one: SourceImage, other: SourceImage) -> float | None:
    first, second = _luma(one), _luma(other)
    return near_copy_correlation(first, second) if first and second else None


def _luma(image: SourceImage) -> Image | None:
    """Returns an image as it is compared, None where it cannot be read or is no image in the form agreed on."""
    try:
        pixels = image.read().pixels
    except (ImageError, UnreadableError):
        return None
    return small_luma(pixels) if pixels.dtype == np.uint8 and pixels.ndim == 3 else None


def _hash(view: Luma) -> np.uint64:
    steps = np.arange(_LOWEST + 1)[:, None] * (np.arange(_SIDE) + 0.5) * np.pi / _SIDE
    frequencies = (np.cos(steps) @ view @ np.cos(steps).T).ravel()[1 : 64 + 1]
    return np.uint64(np.packbits(frequencies > np.median(frequencies)).view(np.uint64)[0])


def _view(image: Image, window: Window) -> Luma:
    """Returns a window as luma (32, 32), whatever its shape."""
    from PIL import Image

    width, height = image.size
    box = (window[0] * width, window[1] * height, window[2] * width, window[3] * height)
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box), np.float64)


def _best(image: Image, whole: Image) -> tuple[float, float]:
    """Returns both correlations of the window of an image that is most like the whole of another.

    The search begins at the windows that have hashes and moves single edges by ever smaller steps.
    """
    target = _view(whole, WHOLE)
    best = max(WINDOWS, key=lambda window: _alike(_view(image, window), target))
    alike = _alike(_view(image, best), target)
    for step in (0.04, 0.02, 0.01, 0.005):
        better = True
        while better:
            better = False
            for window in _moved(best, step):
                value = _alike(_view(image, window), target)
                if value > alike + 1e-6:
                    best, alike, better = window, value, True
    return alike, _alike(_fine(_view(image, best)), _fine(target))


def _moved(window: Window, step: float) -> list[Window]:
    found = []
    for edge in range(4):
        for by in (-step, step):
            left, top, right, bottom = (value + by * (place == edge) for place, value in enumerate(window))
            inside = min(left, top) >= 0 and max(right, bottom) <= 1
            if inside and min(right - left, bottom - top) >= SMALLEST_SHARE:
                found.append((left, top, right, bottom))
    return found


def _alike(one: Luma, other: Luma) -> float:
    """Returns the correlation of two views, 0 where one of them is flat."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > 1e-6 else 0.0


def _fine(view: Luma) -> Luma:
    """Returns a view without its means over 5x5."""
    padded = np.pad(view, 2, mode="edge")
    smooth: Luma = np.lib.stride_tricks.sliding_window_view(padded, (5, 5)).mean(axis=(2, 3))
    return view - smooth


@dataclass(frozen=True)
class _Hashes:
    """Perceptual hashes by the hash of what an image holds, remembered in a file where there is a directory for it."""

    path: Path | None
    known: Mapping[str, str]
    fresh: dict[str, str]

    @classmethod
    def read(cls, cache: Path | None) -> _Hashes:
        path = cache / _FINGERPRINTS if cache else None
        return cls(path, _read_known(path) if path else {}, {})

    def of(self, images: Sequence[SourceImage]) -> dict[SourceImage, NDArray[np.uint64]]:
        """Returns the hashes of the images that can be read."""
        found = {}
        for image in images:
            if image.problem:
                continue
            text = self.known.get(image.sha256) or self.fresh.get(image.sha256)
            if text is None:
                luma = _luma(image)
                if luma is None:
                    continue
                text = self.fresh[image.sha256] = perceptual_hashes(luma).tobytes().hex()
            found[image] = np.frombuffer(bytes.fromhex(text), np.uint64)
        return found

    def write(self) -> None:
        """Remembers what was not known. Of two writers at once the last one wins, and others are hashed again."""
        if self.path and self.fresh:
            write_json(self.path, {**self.known, **self.fresh})


def _read_known(path: Path) -> dict[str, str]:
    try:
        known: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); delete it, it is only a cache") from error
    digits = 2 * 8 * len(WINDOWS)
    if not isinstance(known, dict) or not all(isinstance(each, str) and len(each) == digits for each in known.values()):
        raise ValueError(f"{path} is damaged (it holds no fingerprints); delete it, it is only a cache")
    return known
