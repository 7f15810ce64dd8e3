"""The derivatives written out, in PyTorch, the error computed once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.distortion.spec import Weights, weights_of
from ablate.kernels.layout import require_pair


def build(**options: float) -> Function:
    """Returns the sum with the reconstruction's gradient; options are those of `spec.Weights`."""
    weights = weights_of(**options)

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        require_pair(image, reconstruction)
        error = reconstruction.detach().float() - image.detach().float()
        value, gradient = _differentiated(error, weights)
        return Gradients(value, (), (gradient.to(reconstruction.dtype),))

    return function


def _differentiated(error: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """Returns the weighted mean and its gradient by the error, which may be overwritten."""
    values, gradients = [], []
    size = error.numel()
    if weights.charbonnier:
        root = error.square().add_(weights.epsilon**2).sqrt_()
        values.append(weights.charbonnier * _mean(root))
        gradients.append(torch.div(error, root, out=root).mul_(weights.charbonnier / size))
    if weights.l1:
        values.append(weights.l1 * _mean(error.abs()))
        gradients.append(error.sign().mul_(weights.l1 / size))
    if weights.mse:
        values.append(weights.mse * _mean(error.square()))
        gradients.append(error.mul_(2 * weights.mse / size))
    value, gradient = values[0], gradients[0]
    for other, more in zip(values[1:], gradients[1:], strict=True):
        value, gradient = value + other, gradient.add_(more)
    return value, gradient


def _mean(values: Tensor) -> Tensor:
    """Averages rows, then planes: compiled code adds one by one, and over a million equal values is off by 4e-5."""
    return values.mean(-1).mean(-1).mean()
