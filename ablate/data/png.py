"""Images to PNG files: the form in which a reconstruction is kept, every pixel as it is."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray


def to_png(image: NDArray[np.uint8], compress_level: int = 3) -> bytes:
    """Returns an image, uint8 RGB (3, H, W), as the bytes of a PNG file; level 9 takes longest and least room."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(file, "PNG", compress_level=compress_level)
    return file.getvalue()
