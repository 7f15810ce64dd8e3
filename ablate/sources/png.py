"""Whether the data of a PNG are all there: Pillow leaves rows black where its stream ends too early."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ablate.sources.protocol import ImageError

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and the steps between them, of each pass."""
_AT_ONCE = 1 << 20


def require_all_rows(content: bytes) -> None:
    """Refuses a PNG whose compressed stream holds fewer bytes than its rows take.

    Raises:
        ImageError: with how many there are.
    """
    header = next((data for kind, data in _chunks(content) if kind == b"IHDR"), b"")
    if len(header) != 13:
        return  # which Pillow says in its own words
    expected = _bytes_of_rows(header)
    stream, found = zlib.decompressobj(), 0
    try:
        for kind, data in _chunks(content):
            while kind == b"IDAT" and data and found < expected:
                found += len(stream.decompress(data, _AT_ONCE))
                data = stream.unconsumed_tail  # noqa: PLW2901 - what is left of the chunk
    except zlib.error as error:
        raise ImageError(f"it cannot be decoded: {error}") from error
    if found < expected:
        raise ImageError(f"it cannot be decoded: its data end after {found:,} of {expected:,} bytes")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += length + 12


def _bytes_of_rows(header: bytes) -> int:
    """Returns the bytes of the rows of every pass, each with the byte that names its filter."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * _CHANNELS.get(header[9], 0)
    total = 0
    for left, top, across, down in _ADAM7 if header[12] else _WHOLE:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total
