"""Cuts images for a page: the same window of each, kept lossless."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """Returns the side, a multiple of 16 px from 96 to 256, at which `tiles` photographs stay within `budget` bytes.

    A photograph costs at most about two bytes a pixel as PNG, and a third more inside a page.
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


def read_image(file: str) -> np.ndarray:
    """Returns a PNG as uint8 (3, H, W)."""
    import numpy as np
    from PIL import Image

    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def to_png(pixels: np.ndarray) -> bytes:
    """Returns a uint8 image (3, H, W) as PNG, every pixel kept."""
    import numpy as np
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, "PNG", compress_level=6)
    return file.getvalue()


def to_thumbnail(pixels: np.ndarray, width: int) -> bytes:
    """Returns a uint8 image (3, H, W) scaled down to at most `width` as PNG, to be recognised and not judged by."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()
