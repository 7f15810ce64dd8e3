"""Each plane streamed through the caches in C."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.layout import plain
from ablate.kernels.library import library
from ablate.kernels.ms_ssim.spec import Comparison, check

MOST_LEVELS = 5


class Settings(ctypes.Structure):
    """Settings of ms_ssim.c."""

    _fields_ = (
        ("taps", ctypes.c_float * 6),
        ("c1", ctypes.c_float),
        ("c2", ctypes.c_float),
        ("black", ctypes.c_float),
        ("shift", ctypes.c_float),
        ("clipped", ctypes.c_int),
        ("levels", ctypes.c_int),
        ("weights", ctypes.c_double * MOST_LEVELS),
    )


def build(*, levels: int = 5) -> Function:
    """Returns 1 - MS-SSIM with the reconstruction's gradient."""
    compared = planes(Comparison.of_levels(levels))

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        check(image, reconstruction, levels)
        value, _, gradient = compared(reconstruction, image, True)
        assert gradient is not None
        return Gradients(value, (), (gradient.to(reconstruction.dtype),))

    return function


def planes(comparison: Comparison) -> Callable[[Tensor, Tensor, bool], tuple[Tensor, Tensor, Tensor | None]]:
    """Returns the function of x and y (N, C, H, W) to the mean loss, each plane's (N C,) and the mean's gradient by x.

    The mean and the gradient are float32, the losses float64; without `wanted` there is no gradient.
    """
    weights, taps = comparison.weights, comparison.taps
    settings = Settings(
        taps[: len(taps) // 2 + 1],
        comparison.c1,
        comparison.c2,
        2 * comparison.black - comparison.shift,
        comparison.shift,
        comparison.clipped,
        len(weights),
        (*weights, *[0.0] * (MOST_LEVELS - len(weights))),
    )
    call = library("ms_ssim").ms_ssim
    pointer = ctypes.c_void_p
    call.argtypes = (*[pointer] * 3, ctypes.c_int64, *[ctypes.c_int] * 3, *[pointer] * 3)
    call.restype = ctypes.c_int

    def compared(first: Tensor, second: Tensor, wanted: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        x, y = plain(first), plain(second)
        height, width = x.shape[-2:]
        count = x.numel() // (height * width)
        gradient, losses = torch.empty_like(x) if wanted else None, torch.empty(count, dtype=torch.float64)
        mean = torch.empty(())
        inputs = (ctypes.addressof(settings), x.data_ptr(), y.data_ptr())
        outputs = (losses.data_ptr(), None if gradient is None else gradient.data_ptr(), mean.data_ptr())
        if call(*inputs, count, height, width, torch.get_num_threads(), *outputs):
            raise MemoryError("ms_ssim.c found no memory")
        return mean, losses, gradient

    return compared
