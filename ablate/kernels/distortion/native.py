"""One pass in C over any number of pairs of tensors."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.distortion.spec import Weights, weights_of
from ablate.kernels.layout import alike, supported, typed_as
from ablate.kernels.library import library

PAIR = "PPPq"
"""Of distortion.c: x, y, the gradient by y, size."""


def build(**options: float) -> Function:
    """Returns the sum with the reconstruction's gradient; options are those of `spec.Weights`."""
    return over_pairs(weights_of(**options))


def over_pairs(weights: Weights) -> Function:
    """Returns the sum over any number of pairs of tensors, each pair's mean by itself."""
    call = library("distortion").distortion
    call.argtypes = (ctypes.c_char_p, ctypes.c_int64, *[ctypes.c_double] * 4, ctypes.c_int, ctypes.c_void_p)
    call.restype = ctypes.c_int

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        supported(*images, *reconstructions)
        held = [alike(image, reconstruction) for image, reconstruction in zip(images, reconstructions, strict=True)]
        gradients = [torch.empty_like(y) for _, y in held]
        pairs = b"".join(
            struct.pack(PAIR, x.data_ptr(), y.data_ptr(), gradient.data_ptr(), y.numel())
            for (x, y), gradient in zip(held, gradients, strict=True)
        )
        value = torch.empty(())
        if call(pairs, len(held), *weights, torch.get_num_threads(), value.data_ptr()):
            raise MemoryError("distortion.c found no memory")
        return Gradients(value, (), typed_as(reconstructions, gradients))

    return function
