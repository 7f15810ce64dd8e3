"""MS-SSIM and SSIM of images in any range, differentiable in both, by the fast forms of the distortion `ms_ssim`."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.differentiable import final
from ablate.kernels.fastest import fastest
from ablate.kernels.ms_ssim import closed_form, native
from ablate.kernels.ms_ssim.native import MOST_LEVELS
from ablate.kernels.ms_ssim.spec import Comparison
from ablate.kernels.told import told
from ablate.losses.structure import BLACK, C1, C2, DATA_RANGE, TAPS

TYPES = (torch.float32, torch.bfloat16, torch.float16)
NAME = "ms_ssim"

Compare = Callable[[Tensor, Tensor, bool], tuple[Tensor, Tensor | None]]
"""(x, y, whether the gradient is wanted) to each plane's loss (N C,) and the gradient of their mean by x."""


def similarity(x: Tensor, y: Tensor, comparison: Comparison, data_range: float) -> Tensor | None:
    """Returns each image's similarity (N,), float32, the mean over channels; None where only the definition has it.

    That is float64, windows other than one of 11 symmetric taps for all channels, and volumes; more than 5 levels on a
    CPU; and on a GPU, or without a compiler, other constants than Wang's.
    """
    if x.ndim != 4 or x.device != y.device or not {x.dtype, y.dtype} <= set(TYPES):
        return None
    compare = _compare(comparison, data_range, x.device)
    if compare is None:
        return None
    wanted = [torch.is_grad_enabled() and each.requires_grad for each in (x, y)]
    images: Tensor = _Similarity.apply(compare, wanted, x, y)
    return images


class _Similarity(torch.autograd.Function):
    """Computes the gradients that are wanted with the value; they wait for each image's weight."""

    @staticmethod
    def forward(ctx: Any, compare: Compare, wanted: list[bool], x: Tensor, y: Tensor) -> Tensor:
        losses, of_x = compare(x, y, wanted[0])
        of_y = compare(y, x, True)[1] if wanted[1] else None
        ctx.save_for_backward(*(each for each in (of_x, of_y) if each is not None))
        ctx.wanted = wanted
        ctx.types = x.dtype, y.dtype
        return 1 - losses.view(x.shape[:2]).mean(1).float()

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:
        types = [dtype for dtype, wanted in zip(ctx.types, ctx.wanted, strict=True) if wanted]
        with torch.no_grad():
            # What is kept is the gradient of the mean loss over all planes.
            factor = (-len(weight) * weight).view(-1, 1, 1, 1)
            weighted = [(each * factor).to(dtype) for each, dtype in zip(ctx.saved_tensors, types, strict=True)]
        gradients = iter(final(weighted))
        return (None, None, *[next(gradients) if wanted else None for wanted in ctx.wanted])


@functools.lru_cache(maxsize=64)
def _compare(comparison: Comparison, data_range: float, device: torch.device) -> Compare | None:
    """Returns what compares planes on a device, or None for the definition."""
    taps = comparison.taps
    in_c = len(taps) == len(TAPS) and taps == taps[::-1] and len(comparison.weights) <= MOST_LEVELS
    scale = data_range / DATA_RANGE
    usual = (C1 * scale**2, C2 * scale**2)
    is_usual = taps == TAPS and all(
        abs(found - each) <= 1e-9 * each for found, each in zip((comparison.c1, comparison.c2), usual, strict=True)
    )
    if not (in_c or is_usual) or device.type not in ("cpu", "cuda"):
        return None
    backend, reasons = fastest(NAME, NAME, {}, str(device), torch.float32, 1 << 30)
    name = backend.name if backend else None
    if (name == "native" and not in_c) or (name != "native" and not is_usual):
        name = None
    told(NAME, name, reasons)
    if name == "native":
        compared = native.planes(comparison)
        return lambda x, y, wanted: compared(x, y, wanted)[1:]
    if name is None:
        return None
    of = closed_form if name == "channels_last" else importlib.import_module("ablate.kernels.ms_ssim.triton")
    return functools.partial(in_range, of.planes, comparison, data_range)


def in_range(
    planes: Callable[[Tensor, Tensor, Comparison], tuple[Tensor, Tensor]],
    comparison: Comparison,
    data_range: float,
    x: Tensor,
    y: Tensor,
    _wanted: bool,
) -> tuple[Tensor, Tensor]:
    """Compares images of [0, data_range] by what knows [-1, 1] alone."""
    factor = DATA_RANGE / data_range
    with torch.cuda.device_of(x) if x.is_cuda else contextlib.nullcontext():
        first, second = (each.detach().float() * factor + BLACK for each in (x, y))
        losses, gradient = planes(first, second, comparison)
    return losses, gradient.mul_(factor)
