"""The definition as a backend: a loss of `ablate.losses`, differentiated by autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients

Loss = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


def by_autograd(loss: Loss, *, image: bool, reconstruction: bool = True) -> Function:
    """Returns the loss' value-and-gradient function; `image` and `reconstruction` say whose gradients are wanted."""

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        first = [each.detach().requires_grad_(image) for each in images]
        second = [each.detach().requires_grad_(reconstruction) for each in reconstructions]
        wanted = [*first, *second] if image and reconstruction else first if image else second
        with torch.enable_grad():
            value = loss(first, second)
            gradients = torch.autograd.grad(value, wanted, allow_unused=True, materialize_grads=True)
        split = len(first) if image else 0
        return Gradients(value.detach(), gradients[:split], gradients[split:])

    return function
