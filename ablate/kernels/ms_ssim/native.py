"""Each plane streamed through the caches in C."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.layout import plain
from ablate.kernels.library import library
from ablate.kernels.ms_ssim.spec import check
from ablate.losses.structure import BLACK, C1, C2, TAPS, scale_weights

MOST_LEVELS = 5


class Settings(ctypes.Structure):
    """Settings of ms_ssim.c."""

    _fields_ = (
        ("taps", ctypes.c_float * 6),
        ("c1", ctypes.c_float),
        ("c2", ctypes.c_float),
        ("black", ctypes.c_float),
        ("levels", ctypes.c_int),
        ("weights", ctypes.c_double * MOST_LEVELS),
    )


def build(*, levels: int = 5) -> Function:
    """Returns 1 - MS-SSIM with the reconstruction's gradient."""
    weights = scale_weights(levels)
    settings = Settings(TAPS[:6], C1, C2, 2 * BLACK, levels, (*weights, *[0.0] * (MOST_LEVELS - levels)))
    call = library("ms_ssim").ms_ssim
    pointer = ctypes.c_void_p
    call.argtypes = (*[pointer] * 3, ctypes.c_int64, *[ctypes.c_int] * 3, *[pointer] * 3)
    call.restype = ctypes.c_int

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        check(image, reconstruction, levels)
        x, y = plain(reconstruction), plain(image)
        height, width = x.shape[-2:]
        planes = x.numel() // (height * width)
        gradient, losses, value = torch.empty_like(x), torch.empty(planes, dtype=torch.float64), torch.empty(())
        inputs = (ctypes.addressof(settings), x.data_ptr(), y.data_ptr())
        outputs = (losses.data_ptr(), gradient.data_ptr(), value.data_ptr())
        if call(*inputs, planes, height, width, torch.get_num_threads(), *outputs):
            raise MemoryError("ms_ssim.c found no memory")
        return Gradients(value, (), (gradient.to(reconstruction.dtype),))

    return function
