"""Tensors as the kernels need them: float32, in one piece, and in the same order on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.losses.distortion_loss import require_same_shape

TYPES = (torch.float32, torch.bfloat16)
"""The types that fast forms take."""


def plain(tensor: Tensor) -> Tensor:
    """Returns the values in float32, contiguous: the tensor itself where it is so already."""
    if tensor.dtype is torch.float32 and tensor.is_contiguous():
        return tensor
    return tensor.detach().to(torch.float32).contiguous()


def alike(first: Tensor, second: Tensor, exact: bool = True) -> tuple[Tensor, Tensor]:
    """Returns two tensors of one shape whose memory has the same order and no gaps; `exact` makes them float32.

    Raises:
        ValueError: for two shapes.
    """
    require_same_shape(first, second)
    if exact and not first.dtype is second.dtype is torch.float32:
        first, second = first.detach().to(torch.float32), second.detach().to(torch.float32)
    if first.is_contiguous() and second.is_contiguous():
        return first, second
    if all(t.ndim == 4 and t.is_contiguous(memory_format=torch.channels_last) for t in (first, second)):
        return first, second
    return first.detach().contiguous(), second.detach().contiguous()


def supported(*tensors: Tensor) -> None:
    """Refuses what only the definition computes; raises as `require_type`."""
    for tensor in tensors:
        require_type(tensor.dtype)


def require_type(dtype: torch.dtype) -> None:
    """Refuses a type that fast forms do not take.

    Raises:
        ValueError: for another than float32 and bfloat16.
    """
    if dtype not in TYPES:
        raise ValueError(f"the kernels take float32 and bfloat16, not {dtype}")


def require_pair(image: Tensor, reconstruction: Tensor) -> None:
    """Refuses a pair of images that do not fit.

    Raises:
        ValueError: for two shapes, and for tensors that are neither float32 nor bfloat16.
    """
    supported(image, reconstruction)
    require_same_shape(image, reconstruction)


def typed_as(tensors: Sequence[Tensor], gradients: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Returns gradients in the types of what they are the gradients of."""
    return tuple(g if g.dtype is t.dtype else g.to(t.dtype) for t, g in zip(tensors, gradients, strict=True))
