"""Brightness of an image, which metrics of one plane look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue, as in JPEG; a grey image is its own luma."""


def luma(images: Tensor) -> Tensor:
    """Returns the luma of uint8 images (N, 3, H, W), not rounded: float64 (N, H, W) in 0 to 255.

    Source: ITU-R BT.601 at full range, as JFIF has it.

    Raises:
        ValueError: for images that do not have three channels.
    """
    if images.shape[1] != len(WEIGHTS):
        raise ValueError(f"luma is of images with the channels red, green and blue, not of shape {tuple(images.shape)}")
    red, green, blue = images.double().unbind(1)
    # green takes what is left of 1, so that equal channels keep their value to the digit
    return green + WEIGHTS[0] * (red - green) + WEIGHTS[2] * (blue - green)
