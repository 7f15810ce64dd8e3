"""Side information as it stands in a file: label maps, losslessly.

A label map is a lossless WebP image, whose palette and copies suit few labels in large regions, and a PNG where it is
too large for that format. Both are decoded to the same labels by any version of their library.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.codecs.codec import Side
from ablate.codecs.container import Field, Fields

WEBP_SIDE = 16383
"""Largest side of a WebP image, in pixels."""


def side_beside(labels: NDArray[np.uint8] | None) -> Side:
    """Returns the side information of one image with labels (H, W), or without."""
    return Side() if labels is None else Side(_batch(labels))


def fields_of(side: Side) -> dict[Field, bytes]:
    """Returns the fields of a file for the side information of one image."""
    return {} if side.labels is None else {Field.labels: write_labels(side.labels[0].cpu().numpy())}


def side_of(fields: Fields) -> Side:
    """Returns the side information of one image.

    Raises:
        ValueError: for what `fields_of` never wrote.
    """
    labels = fields.get(Field.labels)
    return side_beside(None if labels is None else read_labels(labels))


def write_labels(labels: NDArray[np.uint8]) -> bytes:
    """Returns labels, uint8 (H, W), as the bytes of a field."""
    from PIL import Image

    file = io.BytesIO()
    if max(labels.shape) <= WEBP_SIDE:
        rgb = np.repeat(labels[..., None], 3, -1)
        Image.fromarray(rgb).save(file, "WEBP", lossless=True, quality=100, method=6)
    else:
        Image.fromarray(labels).save(file, "PNG", optimize=True)
    return file.getvalue()


def read_labels(content: bytes) -> NDArray[np.uint8]:
    """Returns the labels, uint8 (H, W), that `write_labels` wrote.

    Raises:
        ValueError: for anything else.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("WEBP", "PNG")) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the file's label map cannot be read: {error}") from error
    labels = pixels if pixels.ndim == 2 else pixels[..., 0]
    if labels.dtype != np.uint8 or (pixels.ndim == 3 and (pixels != labels[..., None]).any()):
        raise ValueError("the file's label map is a colour image")
    return labels


def _batch(labels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(labels.copy())[None]
