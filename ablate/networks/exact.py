"""Float32 without shortcuts: what makes the figures of a frozen network repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Switches autocast and TF32 off for the block, in convolutions and in matrix products.

    bfloat16 moves a distance between sets by per cents.
    """
    precision = torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    try:
        torch.set_float32_matmul_precision("highest")
        with torch.autocast(device.type, enabled=False), convolutions:
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
