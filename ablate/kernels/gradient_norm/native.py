"""Two passes in C, image by image, so that the second reads from the cache."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.gradient_norm.spec import COSTS
from ablate.kernels.layout import plain, supported
from ablate.kernels.library import library
from ablate.losses.gradient_penalties import TINY
from ablate.registry import chosen


def build(*, cost: str = "r1") -> Function:
    """Returns the penalty with its derivative by the gradient."""
    chosen("cost", cost, COSTS)
    kind = list(COSTS).index(cost)
    call = library("gradient_norm").gradient_norm
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    call.argtypes = (pointer, pointer, number, number, number, ctypes.c_double, ctypes.c_int, pointer, pointer)
    call.restype = None

    def function(gradients: Sequence[Tensor], _none: Sequence[Tensor]) -> Gradients:
        (gradient,) = gradients
        supported(gradient)
        g = plain(gradient)
        derivative, costs, value = torch.empty_like(g), torch.empty(len(g), dtype=torch.float64), torch.empty(())
        pointers = costs.data_ptr(), value.data_ptr()
        size, threads = g[0].numel(), torch.get_num_threads()
        call(g.data_ptr(), derivative.data_ptr(), len(g), size, kind, TINY, threads, *pointers)
        return Gradients(value, (derivative.to(gradient.dtype),), ())

    return function
