"""Arithmetic without shortcuts, for what autocast and TF32 would spoil."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ablate.late_torch import Tensor, torch


def at_least_float32(tensor: Tensor) -> Tensor:
    """Returns float32, as losses are computed whatever the networks ran in; float64 stays."""
    return tensor if tensor.dtype is torch.float64 else tensor.float()


@contextmanager
def full_float32() -> Iterator[None]:
    """Lets float32 be float32 on a GPU for the block, where cuDNN's convolutions would round to TF32.

    To be held around backward passes, too: these round as the switch stands when they run. Which algorithms cuDNN takes
    is left as it is.
    """
    products = torch.get_float32_matmul_precision()
    cudnn = torch.backends.cudnn
    plain = cudnn.flags(
        enabled=cudnn.enabled, benchmark=cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False
    )
    try:
        torch.set_float32_matmul_precision("highest")
        with plain:
            yield
    finally:
        torch.set_float32_matmul_precision(products)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Keeps the block in the precision of its tensors, as losses are computed: neither autocast nor TF32 applies."""
    with torch.autocast(device.type, enabled=False), full_float32():
        yield


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Takes algorithms that repeat as well: figures rest on them.

    bfloat16 moves a distance between sets by per cents.
    """
    repeatable = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with full_precision(device), repeatable:
        yield
