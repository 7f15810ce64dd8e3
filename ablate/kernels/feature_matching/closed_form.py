"""The derivatives written out, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.layout import require_pair


def build(*, weight: float = 1.0) -> Function:
    """Returns the sum with the reconstruction's gradients."""

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        value, gradients = torch.zeros((), device=reconstructions[0].device), []
        for image, reconstruction in zip(images, reconstructions, strict=True):
            require_pair(image, reconstruction)
            error = reconstruction.detach().float() - image.detach().float()
            value = value + error.abs().mean() * weight
            gradients.append(error.sign_().mul_(weight / error.numel()).to(reconstruction.dtype))
        return Gradients(value, (), tuple(gradients))

    return function
