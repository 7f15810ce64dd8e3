"""What a penalty makes of the discriminators' gradient at some points, and what is differentiated on with.

The gradient itself comes from autograd, with the graph that a penalty is differentiated through; only the reduction to
a scalar and its derivative by the gradient are computed here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Backend, Function, Gradients
from ablate.kernels.by_autograd import by_autograd, exact
from ablate.kernels.compiled import compiled
from ablate.kernels.layout import plain, supported
from ablate.kernels.native.library import library, missing
from ablate.losses.gradient_penalties import SQUARED_NORMS, TINY, far_from_one
from ablate.registry import unknown

COSTS: dict[str, Callable[[Tensor], Tensor]] = {"r1": torch.mean, "gp": far_from_one}
"""Squared norms (N,) to the penalty of weight 1, with no half."""


def _cost(cost: str) -> str:
    if cost not in COSTS:
        raise ValueError(unknown("cost", cost, list(COSTS)))
    return cost


def eager(*, cost: str = "r1") -> Function:
    """The definition, by autograd."""
    reduced = COSTS[_cost(cost)]

    def loss(gradients: Sequence[Tensor], _none: Sequence[Tensor]) -> Tensor:
        return reduced(SQUARED_NORMS["sample"](exact(gradients[0])))

    return by_autograd(loss, image=True, reconstruction=False)


def explicit(*, cost: str = "r1") -> Function:
    """The derivatives written out, in PyTorch."""
    _cost(cost)

    def function(gradients: Sequence[Tensor], _none: Sequence[Tensor]) -> Gradients:
        (gradient,) = gradients
        supported(gradient)
        g = gradient.detach().float()
        squared = g.square().sum((1, 2, 3))  # vector_norm adds in float32 one by one, and loses a digit
        images = len(squared)
        if cost == "r1":
            value, derivative = squared.mean(), g * (2 / images)
        else:
            norm = (squared + TINY).sqrt()
            value = (norm - 1).square().mean()
            derivative = g * ((1 - 1 / norm) * (2 / images)).reshape(-1, 1, 1, 1)
        return Gradients(value, (derivative.to(gradient.dtype),), ())

    return function


def native(*, cost: str = "r1") -> Function:
    """Two passes in C, image by image, so that the second reads from the cache."""
    kind = list(COSTS).index(_cost(cost))
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


BACKENDS = (
    Backend("gradient_norm", "eager", ("cpu", "cuda"), eager),
    Backend("gradient_norm", "explicit", ("cpu", "cuda"), explicit),
    compiled("gradient_norm", explicit),
    Backend("gradient_norm", "native", ("cpu",), native, lambda _: missing("gradient_norm")),
)
