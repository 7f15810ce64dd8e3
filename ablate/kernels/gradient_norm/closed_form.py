"""The derivatives written out, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.gradient_norm.spec import COSTS
from ablate.kernels.layout import supported
from ablate.losses.gradient_penalties import TINY
from ablate.registry import chosen


def build(*, cost: str = "r1") -> Function:
    """Returns the penalty with its derivative by the gradient."""
    chosen("cost", cost, COSTS)

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
