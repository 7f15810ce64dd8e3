"""A value-and-gradient function as a loss that autograd can go through, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from ablate.kernels.backend import Function


class KernelLoss(Protocol):
    """A scalar loss of the image's tensors and the reconstruction's."""

    def __call__(self, *, image: Sequence[Tensor], reconstruction: Sequence[Tensor]) -> Tensor:
        """Returns the loss, which can be differentiated once."""
        ...


def differentiable(function: Function) -> KernelLoss:
    """Returns the loss alone, whose backward pass hands out the gradients that were computed with it.

    It may be gone through several times, as where several weights look at one term. Who differentiates the gradient
    itself gets a RuntimeError, and not a zero.
    """

    def loss(*, image: Sequence[Tensor], reconstruction: Sequence[Tensor]) -> Tensor:
        value: Tensor = _Loss.apply(function, len(image), *image, *reconstruction)
        return value

    return loss


class _Loss(torch.autograd.Function):
    """Computes the gradients with the loss; they wait for the loss' own weight."""

    @staticmethod
    def forward(ctx: Any, function: Function, images: int, *tensors: Tensor) -> Tensor:
        value, of_image, of_reconstruction = function(tensors[:images], tensors[images:])
        ctx.save_for_backward(*of_image, *of_reconstruction)
        # A side whose gradients were not asked for has none to hand out.
        ctx.before = 0 if of_image else images
        ctx.after = 0 if of_reconstruction else len(tensors) - images
        return value

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:
        with torch.no_grad():
            # Not in place: autograd may come again.
            weighted = [each * weight for each in ctx.saved_tensors]
        gradients = final(weighted)
        return (None, None, *[None] * ctx.before, *gradients, *[None] * ctx.after)


def final(gradients: Sequence[Tensor]) -> Sequence[Tensor]:
    """Returns gradients that a backward pass hands out, and that refuse to be differentiated where somebody means to.

    `once_differentiable` would hand out constants, whose derivative is silently left out of a sum.
    """
    if not torch.is_grad_enabled():
        return gradients
    last: Sequence[Tensor] = _Final.apply(*(each.requires_grad_() for each in gradients))
    return last


class _Final(torch.autograd.Function):
    """Hands gradients through, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        del ctx
        return tuple(each.view_as(each) for each in gradients)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor, ...]:
        del ctx
        raise RuntimeError(
            "a loss computed by a kernel has no second derivative; differentiate its definition in ablate.losses, "
            'kernels="eager"'
        )
