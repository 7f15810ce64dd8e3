"""The file of a trained codec: which weights wrote it, what they wrote, and a checksum.

    bytes     content
    4         magic, b"ABLT"
    1         version of this format: 2, or 3 with side information
    6         model: which weights wrote the content, and alone make an image of it
    1 + 4 + n field of side information (version 3): its kind, its length, itself; then the next
    1         0, which ends them (version 3)
    n         content, as the codec writes it
    4         crc32 of everything before

The sum finds every damaged byte before anything is decoded. All numbers are little-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"ABLT"
VERSION, WITH_FIELDS = 2, 3
MODEL_BYTES = 6

_HEADER = struct.Struct(f"<4sB{MODEL_BYTES}s")
_FIELD = struct.Struct("<BI")
_CHECKSUM = struct.Struct("<I")


class Field(IntEnum):
    """Kinds of side information that a file may hold beside its content."""

    labels = 1
    """The label map of the image."""
    kept = 2
    """Which blocks of latents the content is of."""


Fields = Mapping[Field, bytes]


class Opened(NamedTuple):
    """An opened file: six bytes that name the model that wrote it, its content, and side information by kind."""

    model: bytes
    content: bytes
    fields: Fields = {}  # noqa: RUF012 - a named tuple's default, which nobody changes


def seal(content: bytes, model: bytes, fields: Fields | None = None) -> bytes:
    """Returns the file of what a model has written, and of side information where there is some."""
    assert len(model) == MODEL_BYTES, f"a model is named by {MODEL_BYTES} bytes, not by {model!r}"
    beside = b"".join(_FIELD.pack(kind, len(each)) + each for kind, each in sorted(fields.items())) if fields else b""
    version = WITH_FIELDS if beside else VERSION
    checked = _HEADER.pack(MAGIC, version, model) + beside + (b"\0" if beside else b"") + content
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
    version = file[len(MAGIC)]
    if version not in (VERSION, WITH_FIELDS):
        raise ValueError(f"the file is of version {version}; this program reads versions {VERSION} and {WITH_FIELDS}")
    (expected,) = _CHECKSUM.unpack(file[-_CHECKSUM.size :])
    found = zlib.crc32(file[: -_CHECKSUM.size])
    if found != expected:
        raise ValueError(f"the file is truncated or altered: its checksum is {found:08x} and should be {expected:08x}")
    model, rest = _HEADER.unpack_from(file)[-1], file[_HEADER.size : -_CHECKSUM.size]
    if version == VERSION:
        return Opened(model, rest)
    fields, start = _fields(rest)
    return Opened(model, rest[start:], fields)


def _fields(content: bytes) -> tuple[Fields, int]:
    """Returns the fields that content begins with, and where they end.

    Raises:
        ValueError: for what `seal` never wrote.
    """
    found: dict[Field, bytes] = {}
    start = 0
    while content[start : start + 1] != b"\0":
        if len(content) < start + _FIELD.size:
            raise ValueError("the file's side information has no end")
        kind, length = _FIELD.unpack_from(content, start)
        start += _FIELD.size
        if kind not in set(Field) or kind in found or start + length > len(content):
            raise ValueError(
                f"the file holds side information of the kind {kind} and {length} bytes, which nothing reads"
            )
        found[Field(kind)] = content[start : start + length]
        start += length
    return found, start + 1
