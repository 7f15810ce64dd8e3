"""Arithmetic without shortcuts, for what autocast and TF32 would spoil."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Keeps the block's convolutions in the precision of their tensors: neither autocast nor TF32 applies.

    Which algorithms cuDNN takes is left as it is: losses are computed in it, at every step of a training.
    """
    plain = cudnn.flags(
        enabled=cudnn.enabled, benchmark=cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False
    )
    with torch.autocast(device.type, enabled=False), plain:
        yield


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Keeps matrix products in full precision as well, and takes algorithms that repeat: figures rest on them.

    bfloat16 moves a distance between sets by per cents.
    """
    precision = torch.get_float32_matmul_precision()
    repeatable = cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    try:
        torch.set_float32_matmul_precision("highest")
        with full_precision(device), repeatable:
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
