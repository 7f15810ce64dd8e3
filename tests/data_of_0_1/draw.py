"""Draws the images: sums of a few waves and a rectangle, coarse enough for small files."""

from __future__ import annotations

import numpy as np
from PIL import Image


def draw(seed: int, height: int, width: int) -> np.ndarray:
    """Returns an image, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 64
    image = np.zeros((height, width, 3))
    for _ in range(3):
        across, down, phase = (*random.uniform(0.3, 2.5, 2), random.uniform(0, 6))
        image += random.uniform(10, 35, 3) * np.sin(2 * np.pi * (across * x + down * y) + phase)[..., None]
    top, left = random.integers(0, height // 2), random.integers(0, width // 2)
    image[top : top + height // 3, left : left + width // 3] += random.uniform(-60, 60, 3)
    return np.uint8((128 + image).clip(0, 255) // 8 * 8)


if __name__ == "__main__":
    for split, first, count in (("train", 0, 4), ("test", 100, 3)):
        for number in range(count):
            size = (64, 96 if number == 1 else 64)
            Image.fromarray(draw(first + number, *size)).save(f"images/{split}/drawn-{number}.png", optimize=True)
