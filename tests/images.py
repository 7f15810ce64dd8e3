"""Fixtures of the rooms `sources` and `data`: random pixels, and files of them."""

from __future__ import annotations

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
