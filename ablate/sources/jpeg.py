"""Damage of a JPEG that decoders pass over: where data of a scan are missing they fill in grey, and warn at most.

Pillow hides libjpeg's warnings, so that they are found by what they are about. Restart intervals and coefficients are
counted. Bytes behind the data of a whole interval are skipped; where data are missing they are decoded instead, and
the pixels are others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ablate.sources.protocol import ImageError

END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
"""Within a scan; 0xff 0x00 is a byte of data."""
_DRI, _SOS, _EOI, _TEM = 0xDD, 0xDA, 0xD9, 0x01
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_ARITHMETIC = range(0xC9, 0xD0)
"""Frames whose coder may leave out zeros at the end of a scan: there a decoder reads on beyond whole data."""

NOISE = bytes((37 * n + 213) % 251 for n in range(251))
"""Data that no whole interval ends with; it begins with a 1, where a decoder that runs out of data reads zeros."""
_LEFT_OVER = 8
"""Bytes that nobody needs at the end of a scan from which it is damaged: decoding went astray on the way."""

Stretch = tuple[int, int]
"""Where the data of a restart interval begin and end."""


@dataclass(frozen=True)
class _Component:
    """A colour component: its sampling factors, and the lowest bit that was sent of each coefficient."""

    across: int
    down: int
    sent: list[int | None] = field(default_factory=lambda: [None] * 64)


@dataclass
class _Parts:
    """Content of the segments up to the end marker; previews and others may follow it."""

    frame: int = 0
    size: tuple[int, int] = (0, 0)
    components: dict[int, _Component] = field(default_factory=dict)
    restart_every: int = 0
    scans: list[list[Stretch]] = field(default_factory=list)
    end: int | None = None


@dataclass(frozen=True)
class Probe:
    """Versions of a JPEG that tell whole data from damaged ones: decoded, `same` is as `whole`, and `other` is not."""

    whole: bytes
    same: bytes | None
    other: bytes | None
    has_end: bool


def probe(content: bytes) -> Probe:
    """Takes a JPEG apart, with the end marker put behind it where that is missing.

    Raises:
        ImageError: if restart intervals or scans are missing, or the file ends in the middle of a segment.
    """
    parts = _parts(content)
    has_end = parts.end is not None
    whole = content if has_end else content.rstrip(b"\xff") + END
    _require_all_coefficients(parts)
    if parts.frame in _ARITHMETIC:
        return Probe(whole, None, None, has_end)
    stretches = [stretch for scan in parts.scans for stretch in scan]
    same = _with_noise(whole[: parts.end], stretches, dropped=0)
    # Of several stretches those that are whole would change the pixels, and hide one that is not.
    other = _with_noise(whole[: parts.end], stretches, dropped=_LEFT_OVER) if len(stretches) == 1 else None
    return Probe(whole, same, other, has_end)


def _parts(content: bytes) -> _Parts:
    parts, at = _Parts(), 2
    last = len(content.rstrip(b"\xff"))
    while at < last:
        marker = _MARKER.match(content, at)
        if marker is None:
            raise ImageError(f"it cannot be decoded: byte {at} should begin a JPEG's segment, and does not")
        code, at = marker[1][0], marker.end()
        if code == _EOI:
            parts.end = at
            return parts
        if code in _RESTARTS or code == _TEM:
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        segment = content[at + 2 : at + length]
        if length < 2 or len(segment) != length - 2:
            raise ImageError("it cannot be decoded: it ends in the middle of a JPEG's segment")
        at += length
        if code == _DRI:
            parts.restart_every = int.from_bytes(segment, "big")
        elif code in _FRAMES:
            parts.frame = code
            parts.size = int.from_bytes(segment[3:5], "big"), int.from_bytes(segment[1:3], "big")
            described = (segment[first : first + 3] for first in range(6, len(segment), 3))
            parts.components = {each[0]: _Component(each[1] >> 4, each[1] & 15) for each in described}
        elif code == _SOS:
            at = _note_scan(parts, segment, content, at)
    return parts


def _note_scan(parts: _Parts, header: bytes, content: bytes, at: int) -> int:
    """Notes what a scan sends and where its data lie; returns where they end."""
    components = [parts.components[each] for each in header[1 : 1 + 2 * header[0] : 2]]
    first, last, low = header[-3], header[-2], header[-1] & 15
    for component in components:
        component.sent[first : last + 1] = [low] * (last + 1 - first)
    stretches = list(_stretches(content, at))
    expected = -(-_units(parts, components) // parts.restart_every) if parts.restart_every else 1
    if len(stretches) < expected:
        raise ImageError(f"it cannot be decoded: a scan of its JPEG has {len(stretches)} of {expected} intervals")
    parts.scans.append(stretches)
    return stretches[-1][1]


def _stretches(content: bytes, begin: int) -> Iterator[Stretch]:
    """Yields the data between restart markers, up to any other marker."""
    for marker in _MARKER.finditer(content, begin):
        yield begin, marker.start()
        if marker[1][0] not in _RESTARTS:
            return
        begin = marker.end()
    yield begin, len(content.rstrip(b"\xff"))


def _units(parts: _Parts, components: list[_Component]) -> int:
    """Returns the coded units of a scan: blocks of one component, or of all within the coarsest one's block."""
    most = [max(getattr(each, axis) for each in parts.components.values()) for axis in ("across", "down")]
    of_one = [1, 1] if len(components) > 1 else [components[0].across, components[0].down]
    sides = zip(parts.size, of_one, most, strict=True)
    return math.prod(math.ceil(math.ceil(side * own / full) / 8) for side, own, full in sides)


def _require_all_coefficients(parts: _Parts) -> None:
    """Refuses a file that ends between scans: the coefficients of those that are missing would be zero."""
    if parts.frame not in _LOSSLESS and any(low != 0 for each in parts.components.values() for low in each.sent):
        raise ImageError("it cannot be decoded: scans of its JPEG are missing")


def _with_noise(content: bytes, stretches: list[Stretch], dropped: int) -> bytes:
    pieces, at = [], 0
    for begin, end in stretches:
        # Zeros in front of a marker are what some cameras pad with.
        data = content[begin:end].rstrip(b"\0") if dropped else content[begin:end]
        pieces += [content[at:begin], data[: max(0, len(data) - dropped)].rstrip(b"\xff"), NOISE]
        at = end
    return b"".join([*pieces, content[at:]])
