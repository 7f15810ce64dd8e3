"""The one place where images change between 8 bits at rest and float32 in training."""

from __future__ import annotations

import torch
from torch import Tensor


def to_float(images: Tensor) -> Tensor:
    """Maps uint8 0 to 255 onto float32 -1 to 1."""
    assert images.dtype == torch.uint8
    return images.float() / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Maps floats in -1 to 1 onto uint8 0 to 255: clamped, then rounded to the nearest, half to even.

    Raises:
        ValueError: for NaN, which has no pixel value.
    """
    if images.isnan().any():
        raise ValueError("an image holds NaN, which has no pixel value")
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
