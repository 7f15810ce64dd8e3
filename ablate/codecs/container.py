"""The file of a trained codec: which weights wrote it, what they wrote, and a checksum.

    bytes     content
    4         magic, b"ABLT"
    1         version of this format, 2
    6         model: which weights wrote the content, and alone make an image of it
    n         content, as the codec writes it
    4         crc32 of everything before

The sum finds every damaged byte before anything is decoded. All numbers are little-endian.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

MAGIC = b"ABLT"
VERSION = 2
MODEL_BYTES = 6

_HEADER = struct.Struct(f"<4sB{MODEL_BYTES}s")
_CHECKSUM = struct.Struct("<I")


class Opened(NamedTuple):
    """An opened file: six bytes that name the model that wrote it, and its content."""

    model: bytes
    content: bytes


def seal(content: bytes, model: bytes) -> bytes:
    """Returns the file of what a model has written."""
    assert len(model) == MODEL_BYTES, f"a model is named by {MODEL_BYTES} bytes, not by {model!r}"
    checked = _HEADER.pack(MAGIC, VERSION, model) + content
    return checked + _CHECKSUM.pack(zlib.crc32(checked))


def opened(file: bytes) -> Opened:
    """Reads a file that `seal` made.

    Raises:
        ValueError: for anything else, truncated and altered files included.
    """
    if file[: len(MAGIC)] != MAGIC:
        raise ValueError(f"not a file of this codec: it begins with {file[: len(MAGIC)]!r} and not with {MAGIC!r}")
    least = _HEADER.size + _CHECKSUM.size
    if len(file) < least:
        raise ValueError(f"the file is truncated: it holds {len(file)} bytes, header and checksum alone need {least}")
    if file[len(MAGIC)] != VERSION:
        raise ValueError(f"the file is of version {file[len(MAGIC)]}; this program reads version {VERSION}")
    (expected,) = _CHECKSUM.unpack(file[-_CHECKSUM.size :])
    found = zlib.crc32(file[: -_CHECKSUM.size])
    if found != expected:
        raise ValueError(f"the file is truncated or altered: its checksum is {found:08x} and should be {expected:08x}")
    return Opened(_HEADER.unpack_from(file)[-1], file[_HEADER.size : -_CHECKSUM.size])
