"""Side information as it stands in a file: label maps and masks, losslessly.

A label map is a lossless WebP image, whose palette and copies suit few labels in large regions, and a PNG where it is
too large for that format. Both are decoded to the same labels by any version of their library. A mask is its height and
width in blocks, two bytes each, and a bit for each block, row by row, deflated (RFC 1951).
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from ablate.codecs.codec import Side
from ablate.codecs.container import Field, Fields

WEBP_SIDE = 16383
"""Largest side of a WebP image, in pixels."""
_SIZE = struct.Struct("<HH")
_DEFLATE = -15
"""Deflated data without header and checksum, as zlib calls it."""


def side_beside(labels: NDArray[np.uint8] | None) -> Side:
    """Returns the side information of one image with labels (H, W), or without."""
    return Side() if labels is None else Side(_batch(labels))


def fields_of(side: Side) -> dict[Field, bytes]:
    """Returns the fields of a file for the side information of one image."""
    fields = {}
    if side.labels is not None:
        fields[Field.labels] = write_labels(side.labels[0].cpu().numpy())
    if side.kept is not None:
        fields[Field.kept] = write_mask(side.kept[0].cpu().numpy())
    return fields


def side_of(fields: Fields) -> Side:
    """Returns the side information of one image.

    Raises:
        ValueError: for what `fields_of` never wrote.
    """
    labels, kept = fields.get(Field.labels), fields.get(Field.kept)
    side = side_beside(None if labels is None else read_labels(labels))
    return side if kept is None else side._replace(kept=torch.from_numpy(read_mask(kept))[None])


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


def blocks_of(region: Tensor, stride: int) -> Tensor:
    """Returns which blocks of `stride` x `stride` pixels hold a pixel of regions, bool (N, H, W), as bool (N, h, w)."""
    padded = pad(region, (0, -region.shape[2] % stride, 0, -region.shape[1] % stride))
    return padded.unflatten(2, (-1, stride)).unflatten(1, (-1, stride)).any(4).any(2)


def write_mask(kept: NDArray[np.bool_]) -> bytes:
    """Returns a mask, bool (h, w), as the bytes of a field."""
    deflate = zlib.compressobj(9, wbits=_DEFLATE)
    return _SIZE.pack(*kept.shape) + deflate.compress(np.packbits(kept).tobytes()) + deflate.flush()


def read_mask(content: bytes) -> NDArray[np.bool_]:
    """Returns the mask, bool (h, w), that `write_mask` wrote.

    Raises:
        ValueError: for anything else.
    """
    try:
        height, width = _SIZE.unpack_from(content)
        inflate = zlib.decompressobj(_DEFLATE)
        size = -(-height * width // 8)
        bits = inflate.decompress(content[_SIZE.size :], size + 1)
    except (struct.error, zlib.error) as error:
        raise ValueError(f"the file's mask cannot be read: {error}") from error
    if len(bits) != size or not inflate.eof or inflate.unused_data:
        raise ValueError(f"the file's mask cannot be read: {len(bits)} bytes are none of {height}x{width} blocks")
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width).reshape(height, width).astype(bool)
