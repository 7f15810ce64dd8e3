"""Images side by side: the same window of each, kept lossless."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.report.document import ComparedImage, Gallery, Tile

if TYPE_CHECKING:
    import numpy as np

STRIDE = 8
"""Windows begin at multiples of this many pixels."""


@dataclass(frozen=True)
class Window:
    """A rectangle of an image in pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """Returns the part of an image (C, H, W) that lies in the window."""
        return pixels[:, self.top : self.top + self.height, self.left : self.left + self.width]


def most_detailed(pixels: np.ndarray, side: int) -> Window:
    """Returns the square of a uint8 image (C, H, W) with the largest mean gradient; a smaller image whole."""
    import numpy as np

    grey = pixels.mean(axis=0)
    height, width = (min(side, length) for length in grey.shape)
    slope_y, slope_x = np.gradient(grey)
    total = np.pad(np.hypot(slope_y, slope_x).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    tops, lefts = (np.arange(0, n - m + 1, STRIDE) for n, m in zip(grey.shape, (height, width), strict=True))
    y, x = np.meshgrid(tops, lefts, indexing="ij")
    inside = total[y + height, x + width] - total[y, x + width] - total[y + height, x] + total[y, x]
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    return Window(int(tops[row]), int(lefts[column]), height, width)


def crop_side(tiles: int, budget: int) -> int:
    """Returns the side, a multiple of 16 px from 96 to 256, at which `tiles` crops stay within `budget` bytes.

    A crop of a photograph costs at most about two bytes a pixel as PNG, and a third more inside a page.
    """
    side = int((budget / (max(tiles, 1) * 2 * 4 / 3)) ** 0.5) // 16 * 16
    return min(256, max(96, side))


ERROR_STOPS = ((11, 12, 20), (80, 18, 110), (183, 55, 96), (243, 133, 60), (252, 243, 180))
"""Colours of an error map at even distances from no error to `ERROR_REACH`: seaborn's inferno, coarsely."""

ERROR_REACH = 64
"""The error, of 255, from which a map is at its brightest."""


def error_map(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Returns the mean absolute difference over channels of two uint8 images (3, H, W), coloured, uint8 (3, H, W).

    The page's script colours the same way, so that maps need not be sent.
    """
    import numpy as np

    error = np.abs(pixels.astype(np.float64) - original).mean(axis=0)
    place = np.minimum(error / ERROR_REACH, 1.0) * (len(ERROR_STOPS) - 1)
    places = np.arange(len(ERROR_STOPS))
    return np.stack([np.uint8(np.interp(place, places, channel).round()) for channel in zip(*ERROR_STOPS, strict=True)])


def read_image(file: Path) -> np.ndarray:
    """Returns a PNG as uint8 (3, H, W)."""
    import numpy as np
    from PIL import Image

    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def read_originals(config: Mapping[str, Any], cache: Path) -> dict[str, np.ndarray]:
    """Returns the test images of a cell by name, uint8 (3, H, W).

    Raises:
        OSError, ValueError: where they can no longer be read.
    """
    from ablate.config import Data
    from ablate.data import prepare

    loaded = prepare(Data.model_validate(config["data"]), "test", cache)
    return {name: loaded[index] for index, name in enumerate(loaded.names)}


def page_png(pixels: np.ndarray) -> bytes:
    """Returns a uint8 image (3, H, W) as PNG, every pixel kept, compressed as much as pays for a page."""
    from ablate.data.png import to_png

    return to_png(pixels, compress_level=6)


def thumbnail(pixels: np.ndarray, width: int) -> bytes:
    """Returns a uint8 image (3, H, W) scaled down to at most `width` as PNG, to be recognised and not judged by."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    return page_png(np.asarray(image).transpose(2, 0, 1))


def compared(
    name: str, rule: str, pixels: np.ndarray, window: Window, original: np.ndarray | None,
    whole: Iterable[tuple[Sequence[str], np.ndarray]], whole_width: int, tiles: Iterable[Tile],
) -> ComparedImage:  # fmt: skip
    """Returns an image with its crops side by side.

    Args:
        name: of the image.
        rule: why it was chosen.
        pixels: the image, or what stands for it, uint8 (3, H, W).
        window: the part that is cropped.
        original: None where it can no longer be read.
        whole: what is shown of the whole image: a name and further words, and the pixels.
        whole_width: to which these are scaled down.
        tiles: the crops that are compared with the original's.
    """
    height, width = pixels.shape[1:]
    box = (window.left / width, window.top / height, window.width / width, window.height / height)
    views = tuple(Tile(words[0], tuple(words[1:]), thumbnail(view, whole_width)) for words, view in whole)
    crop = page_png(window.of(original)) if original is not None else None
    own = Tile("original", ("8 bit a channel, 24 bpp",), crop, "the original could not be read")
    return ComparedImage(name, rule, box, (window.width, window.height), views, own, tuple(tiles))


def gallery(images: Iterable[ComparedImage], caption: str, name: str = "images") -> Gallery:
    """Returns images under one caption."""
    return Gallery(name, tuple(images), caption, ERROR_STOPS, ERROR_REACH)
