"""The content of a file: size of the image, one frequency table per channel, range-coded symbols.

All numbers are little-endian:

    bytes     content
    2 + 2     height and width of the image, in pixels
    4         crc32 of the symbols, channel by channel, row by row, one byte each
    C * L     table: for each channel and level 0 where the level does not occur, else its count scaled to 1..255
    4 * n     range coder's words: the channels one after another, a channel of one level left out

What the model knows is not repeated: its channels C and levels L, and how large the latent of an image is. The file
around it has a checksum of all bytes; this one proves that what was decoded is what was encoded, also where another
version of the range coder reads the file.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 0xFFFF
"""Largest height and width of an image, in pixels."""
MAX_SYMBOLS = 1 << 28
"""More than any image needs; a forged header must not make the decoder allocate without end."""

HEADER = struct.Struct("<HHI")
"""Height and width of the image, and the checksum of what was sent of it."""
_WORD = np.dtype("<u4")
_TABLE_MAX = 255

Shape = tuple[int, int, int]


def encode(symbols: NDArray[np.uint8], *, levels: int, size: tuple[int, int]) -> bytes:
    """Writes symbols, uint8 (C, h, w) below `levels`, of an image of `size` (height, width) in pixels; deterministic.

    Raises:
        ValueError: for symbols or sizes that the format cannot hold.
    """
    _require_encodable(symbols, levels, size)
    channels = symbols.reshape(symbols.shape[0], -1)
    tables = np.stack([_table(np.bincount(channel, minlength=levels)) for channel in channels])
    return HEADER.pack(*size, _crc(symbols)) + tables.tobytes() + _encode_channels(channels, tables)


def read_size(content: bytes) -> tuple[int, int]:
    """Reads height and width of the image.

    Raises:
        ValueError: for what holds no image.
    """
    _require_header(content)
    height, width, _ = HEADER.unpack_from(content)
    if not (height and width):
        raise ValueError(f"the file says that its image is {height}x{width} pixels large")
    return height, width


def decode(content: bytes, *, levels: int, shape: Shape) -> NDArray[np.uint8]:
    """Reads the symbols that `encode` wrote, uint8 of `shape` (C, h, w); shape and levels are those of the model.

    Raises:
        ValueError: for anything else; never returns wrong symbols.
    """
    _require_header(content)
    _require_shape(levels, shape)
    channels, crc = shape[0], HEADER.unpack_from(content)[-1]
    payload = HEADER.size + channels * levels
    if len(content) < payload or (len(content) - payload) % _WORD.itemsize:
        raise ValueError(
            f"the file holds {len(content)} bytes of an image; a header and tables of {payload} bytes and a multiple "
            f"of {_WORD.itemsize} are expected"
        )
    tables = np.frombuffer(content, np.uint8, channels * levels, HEADER.size).reshape(channels, levels)
    if not tables.any(axis=1).all():
        raise ValueError(f"the frequency table of channel {int(tables.any(axis=1).argmin())} is empty")
    words = np.frombuffer(content, _WORD, offset=payload).astype(np.uint32)
    symbols = _decode_channels(words, tables, shape[1] * shape[2]).reshape(shape)
    if _crc(symbols) != crc:
        raise ValueError(f"decoded symbols have the checksum {_crc(symbols):08x}, the file says {crc:08x}")
    return symbols


def _require_header(content: bytes) -> None:
    if len(content) < HEADER.size:
        raise ValueError(f"the file is truncated: it holds {len(content)} bytes of an image, its header alone needs 8")


def _table(counts: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Scales counts (L,) to bytes: the most frequent level has 255, one that occurs at least 1, another 0."""
    largest = int(counts.max())
    scaled = (counts * _TABLE_MAX + largest // 2) // largest
    return np.where(counts > 0, np.maximum(scaled, 1), 0).astype(np.uint8)


def _model(frequencies: NDArray[np.uint8]) -> Any:
    # Absent levels are left out of the alphabet, so that they neither cost anything nor can be decoded.
    # `perfect` is part of the format: the other setting rounds the probabilities differently.
    return constriction.stream.model.Categorical(frequencies.astype(np.float64), perfect=False)


def _encode_channels(channels: NDArray[np.uint8], tables: NDArray[np.uint8]) -> bytes:
    coder = constriction.stream.queue.RangeEncoder()
    for channel, table in zip(channels, tables, strict=True):
        present = np.flatnonzero(table)
        if len(present) > 1:
            rank = np.zeros(len(table), np.int32)
            rank[present] = np.arange(len(present))
            coder.encode(rank[channel], _model(table[present]))
    words: NDArray[np.uint32] = coder.get_compressed()
    return words.astype(_WORD).tobytes()


def _decode_channels(words: NDArray[np.uint32], tables: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    coder = constriction.stream.queue.RangeDecoder(words)
    symbols = np.empty((len(tables), count), np.uint8)
    for channel, table in zip(symbols, tables, strict=True):
        present = np.flatnonzero(table)
        if len(present) == 1:
            channel[:] = present[0]
            continue
        try:
            channel[:] = present[coder.decode(_model(table[present]), count)]
        except AssertionError as error:  # what the range decoder raises on words that no encoder writes
            raise ValueError("the file's symbols cannot be decoded: no encoder writes these words") from error
    if not coder.maybe_exhausted():
        raise ValueError("the file holds more words than its symbols need")
    return symbols


def _require_encodable(symbols: NDArray[np.uint8], levels: int, size: tuple[int, int]) -> None:
    if symbols.dtype != np.uint8 or symbols.ndim != 3:
        raise ValueError(f"symbols must be uint8 (channels, height, width), not {symbols.dtype} {symbols.shape}")
    _require_shape(levels, symbols.shape)
    require_sides(size)
    if int(symbols.max()) >= levels:
        raise ValueError(f"symbol {int(symbols.max())} is out of range: levels = {levels} allows 0 to {levels - 1}")


def require_sides(size: tuple[int, int]) -> None:
    """Refuses a height or width that no header holds.

    Raises:
        ValueError: with which it is.
    """
    for name, side in zip(("height", "width"), size, strict=True):
        if not 1 <= side <= MAX_SIDE:
            raise ValueError(f"{name} = {side}; the format holds images of 1 to {MAX_SIDE} pixels a side")


def _require_shape(levels: int, shape: Shape) -> None:
    if not 2 <= levels <= 0xFF:
        raise ValueError(f"levels = {levels}; the format holds 2 to 255")
    if min(shape) < 1 or math.prod(shape) > MAX_SYMBOLS:
        raise ValueError(f"symbols of the shape {'x'.join(map(str, shape))}; the format holds 1 to {MAX_SYMBOLS}")


def _crc(symbols: NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(symbols).tobytes())
