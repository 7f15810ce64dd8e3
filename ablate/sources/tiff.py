"""Whether Pillow reads a TIFF as it is: by the tags of its samples, since its mode hides what it does to them."""

from __future__ import annotations

import io
import zlib
from typing import Any

from PIL import Image, TiffImagePlugin

from ablate.sources.protocol import ImageError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 259, 262, 277
_STRIPS, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR = 273, 278, 279, 284
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES, _FORMAT = 322, 323, 324, 325, 339
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "of no stated kind", 5: "complex", 6: "complex"}
_BLACK_IS_ZERO, _UNCOMPRESSED, _SEPARATE = 1, 1, 2
_DEFLATED = (8, 32946)
_PIECE = 1 << 20
"""Bytes that are inflated at once."""


def require_known(content: bytes) -> None:
    """Refuses a TIFF that Pillow does not open for what its samples are; anything else passes.

    Raises:
        ImageError: with what they are.
    """
    if content[:4] not in (b"II*\0", b"MM\0*"):
        return
    try:
        tags: Any = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
        file = io.BytesIO(content)
        file.seek(tags.next)
        tags.load(file)
        whole = _WIDTH in tags and _HEIGHT in tags
    except Exception:  # noqa: BLE001 - decoders meet corrupt bytes with nearly any exception
        return
    if whole:
        _require_faithful(tags)
        raise ImageError("it is a TIFF of a layout that Pillow does not read; convert it to plain 8-bit RGB")


def require_faithful(image: Image.Image) -> None:
    """Refuses samples that are neither unsigned 8 bits nor scaled to 8 bits exactly, and missing strips or tiles.

    Raises:
        ImageError: with what they are.
    """
    _require_faithful(image.tag_v2)  # type: ignore[attr-defined]


def _require_faithful(tags: Any) -> None:
    bits, formats = tags.get(_BITS, (1,)), tags.get(_FORMAT, (1,))
    kind = next((each for each in formats if each != 1), 1)
    if kind != 1:
        named = _FORMATS.get(kind, f"of kind {kind}")
        raise ImageError(f"its samples are {named} ({max(bits)} bits), which have no one form in 8 bits; convert it")
    if len(bits) == 1 and bits[0] == 16 and tags.get(_PHOTOMETRIC, _BLACK_IS_ZERO) != _BLACK_IS_ZERO:
        raise ImageError("its 16-bit grey counts from white, which Pillow does not undo; convert it to 8 bits")
    if set(bits) != {8} and not (len(bits) == 1 and bits[0] in (1, 2, 4, 16)):
        widths = " + ".join(map(str, bits))
        raise ImageError(f"its samples have {widths} bits; convert it to 8 bits")
    _require_all_parts(tags, sum(bits))


def require_checksums(image: Image.Image, content: bytes) -> None:
    """Refuses deflated strips or tiles whose checksum is wrong: libtiff does not look at it once all rows are there.

    Raises:
        ImageError: with how many are whole.
    """
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    if tags.get(_COMPRESSION) not in _DEFLATED:
        return
    places = [tags.get(tag, ()) for tag in ((_TILES, _TILE_BYTES) if _TILES in tags else (_STRIPS, _STRIP_BYTES))]
    parts = [content[start : start + size] for start, size in zip(*places, strict=False)]
    whole = sum(_is_whole(part) for part in parts)
    if whole < len(parts):
        raise ImageError(f"it cannot be decoded: {whole} of its {len(parts)} strips or tiles have the right checksum")


def _is_whole(deflated: bytes) -> bool:
    stream = zlib.decompressobj()
    try:
        while deflated and not stream.eof:
            stream.decompress(deflated, _PIECE)
            deflated = stream.unconsumed_tail
    except zlib.error:
        return False
    return stream.eof


def _require_all_parts(tags: Any, bits: int) -> None:
    """Counts strips or tiles, and their bytes where they are not compressed."""
    width, height, samples = tags[_WIDTH], tags[_HEIGHT], tags.get(_SAMPLES, 1)
    planes = samples if tags.get(_PLANAR, 1) == _SEPARATE else 1
    row_bits = bits // planes
    if _TILES in tags:
        across, down = tags[_TILE_WIDTH], tags[_TILE_LENGTH]
        expected = -(-width // across) * -(-height // down) * planes
        least = [down * -(-across * row_bits // 8)] * expected
        sizes = tags.get(_TILE_BYTES, ())
    else:
        down = min(tags.get(_ROWS_PER_STRIP, height), height)
        strips = -(-height // down)
        rows = [min(down, height - number * down) for number in range(strips)] * planes
        least = [each * -(-width * row_bits // 8) for each in rows]
        # Some writers leave the sizes of uncompressed strips out; where these end is known without.
        sizes = tags.get(_STRIP_BYTES, ()) or (least if len(tags.get(_STRIPS, ())) == len(least) else ())
    if tags.get(_COMPRESSION, 1) != _UNCOMPRESSED:
        least = [1] * len(least)
    held = sum(size >= needed for size, needed in zip(sizes, least, strict=False))
    if held < len(least):
        raise ImageError(f"it cannot be decoded: {held} of its {len(least)} strips or tiles are whole")
