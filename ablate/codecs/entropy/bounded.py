"""A lower bound that lets gradients through where they lead back above it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def at_least(values: Tensor, bound: float) -> Tensor:
    """Returns the values, none below the bound; the gradient passes where a descent step would raise the value.

    Source: Ballé et al. 2018, "Variational image compression with a scale hyperprior", section 3.
    """
    found: Tensor = _AtLeast.apply(values, bound)
    return found


class _AtLeast(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, bound: float) -> Tensor:
        context.save_for_backward(values)
        context.bound = bound
        return values.clamp_min(bound)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        (values,), (gradient,) = context.saved_tensors, gradients
        return torch.where((values >= context.bound) | (gradient < 0), gradient, 0.0), None
