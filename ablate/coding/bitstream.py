"""The file that a picture's symbols are stored in: a header, one frequency table per channel, range-coded symbols.

All numbers are little-endian:

    bytes     content
    4         magic, b"ABLT"
    1         version of this format, 1
    1         levels L, 2 to 255
    1         channels C, 1 to 255
    2 + 2     height and width of the picture, in pixels
    2 + 2     height and width of the latent, in symbols
    4         crc32 of the symbols, channel by channel, row by row, one byte each
    C * L     table: for each channel and level 0 where the level does not occur, else its count scaled to 1..255
    4 * n     range coder's words: the channels one after another, a channel of one level left out
    4         crc32 of everything before

The last sum finds every damaged byte before anything is decoded; the first proves that what was decoded is what was
encoded, also where another version of the range coder reads the file.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

MAGIC = b"ABLT"
VERSION = 1
MAX_SYMBOLS = 1 << 28
"""More than any picture needs; a forged header must not make the decoder allocate without end."""

_HEADER = struct.Struct("<4sBBBHHHHI")
_CHECKSUM = struct.Struct("<I")
_WORD = np.dtype("<u4")
_TABLE_MAX = 255


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a file holds: symbols, uint8 (channels, latent height, latent width), and the size of the picture."""

    symbols: NDArray[np.uint8]
    levels: int
    height: int
    width: int


def encode(symbols: NDArray[np.uint8], *, levels: int, height: int, width: int) -> bytes:
    """Writes symbols, uint8 (C, h, w) below `levels`, of a picture of `height` x `width` pixels; deterministic.

    Raises:
        ValueError: for symbols or sizes that the format cannot hold.
    """
    _require_encodable(symbols, levels, height, width)
    channels = symbols.reshape(symbols.shape[0], -1)
    tables = np.stack([_table(np.bincount(channel, minlength=levels)) for channel in channels])
    header = _HEADER.pack(MAGIC, VERSION, levels, len(channels), height, width, *symbols.shape[1:], _crc(symbols))
    content = header + tables.tobytes() + _encode_channels(channels, tables)
    return content + _CHECKSUM.pack(zlib.crc32(content))


def decode(data: bytes) -> Decoded:
    """Reads what `encode` wrote.

    Raises:
        ValueError: for anything else, truncated and altered files included; never returns wrong symbols.
    """
    content = _checked(data)
    _, _, levels, channels, height, width, rows, columns, crc = _HEADER.unpack_from(content)
    _require_sizes(levels, (channels, rows, columns), height, width)
    payload = _HEADER.size + channels * levels
    if len(content) < payload or (len(content) - payload) % _WORD.itemsize:
        raise ValueError(
            f"the file holds {len(content)} bytes before its checksum; a header and tables of {payload} bytes and a "
            f"multiple of {_WORD.itemsize} are expected"
        )
    tables = np.frombuffer(content, np.uint8, channels * levels, _HEADER.size).reshape(channels, levels)
    if not tables.any(axis=1).all():
        raise ValueError(f"the frequency table of channel {int(tables.any(axis=1).argmin())} is empty")
    words = np.frombuffer(content, _WORD, offset=payload).astype(np.uint32)
    symbols = _decode_channels(words, tables, rows * columns).reshape(channels, rows, columns)
    if _crc(symbols) != crc:
        raise ValueError(f"decoded symbols have the checksum {_crc(symbols):08x}, the file says {crc:08x}")
    return Decoded(symbols, levels, height, width)


def _checked(data: bytes) -> bytes:
    """Returns the file without its checksum, once magic, version and checksum are right."""
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError(f"not a file of this codec: it begins with {data[: len(MAGIC)]!r} and not with {MAGIC!r}")
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise ValueError(f"the file is truncated: it holds {len(data)} bytes, its header alone needs {_HEADER.size}")
    if data[len(MAGIC)] != VERSION:
        raise ValueError(f"the file is of version {data[len(MAGIC)]}; this program reads version {VERSION}")
    content = data[: -_CHECKSUM.size]
    (expected,) = _CHECKSUM.unpack(data[-_CHECKSUM.size :])
    found = zlib.crc32(content)
    if found != expected:
        raise ValueError(f"the file is truncated or altered: its checksum is {found:08x} and should be {expected:08x}")
    return content


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


def _require_encodable(symbols: NDArray[np.uint8], levels: int, height: int, width: int) -> None:
    if symbols.dtype != np.uint8 or symbols.ndim != 3:
        raise ValueError(f"symbols must be uint8 (channels, height, width), not {symbols.dtype} {symbols.shape}")
    _require_sizes(levels, symbols.shape, height, width)
    if int(symbols.max()) >= levels:
        raise ValueError(f"symbol {int(symbols.max())} is out of range: levels = {levels} allows 0 to {levels - 1}")


def _require_sizes(levels: int, shape: tuple[int, ...], height: int, width: int) -> None:
    if not 2 <= levels <= 0xFF:
        raise ValueError(f"levels = {levels}; the format holds 2 to 255")
    if not 1 <= shape[0] <= 0xFF:
        raise ValueError(f"{shape[0]} channels; the format holds 1 to 255")
    for name, size in (("height", height), ("width", width), ("latent height", shape[1]), ("latent width", shape[2])):
        if not 1 <= size <= 0xFFFF:
            raise ValueError(f"{name} = {size}; the format holds 1 to 65535")
    if shape[0] * shape[1] * shape[2] > MAX_SYMBOLS:
        raise ValueError(f"{shape[0]}x{shape[1]}x{shape[2]} symbols are more than the {MAX_SYMBOLS} that are decoded")


def _crc(symbols: NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(symbols).tobytes())
