"""Fixtures of the rooms `sources` and `data`: random pixels, and files of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.sources.protocol import SourceImage


@pytest.fixture
def rgb() -> np.ndarray:
    """Random pixels, uint8 (40, 48, 3)."""
    return _random_rgb(0, 40, 48)


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """Writes an image of random pixels: equal seeds, sizes and suffixes, equal files."""

    def write(path: Path, seed: int = 0, height: int = 40, width: int = 48) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_random_rgb(seed, height, width)).save(path)
        return path

    return write


def _random_rgb(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def fabricated(name: str, sha256: str, place: str = "") -> SourceImage:
    """Returns an image that has a hash and no pixels."""
    return SourceImage(name, sha256, lambda: pytest.fail(f"{name} was read"), place)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Returns an image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def png(
    width: int,
    height: int,
    bit_depth: int,
    colour_type: int,
    rows: bytes,
    *,
    interlaced: bool = False,
    gamma: int | None = None,
) -> bytes:
    """Writes a PNG chunk by chunk: for what Pillow reads but does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, interlaced)
    stated = chunk(b"gAMA", struct.pack(">I", gamma)) if gamma else b""
    body = chunk(b"IHDR", header) + stated + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
