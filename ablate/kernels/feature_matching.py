"""The mean absolute differences of all feature maps, summed with one weight, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.kernels import gpu
from ablate.kernels.backend import Backend, Function, Gradients
from ablate.kernels.by_autograd import by_autograd, exact, symmetric
from ablate.kernels.compiled import compiled
from ablate.kernels.distortion import Weights, in_c
from ablate.kernels.layout import supported
from ablate.kernels.native.library import missing
from ablate.losses import feature_matching as definition


def eager(*, weight: float = 1.0, both: bool = False) -> Function:
    """The definition, by autograd."""

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        if all(each.dtype is torch.float64 for each in reconstructions):
            return _in_float64(images, reconstructions, weight)
        return definition([images], [reconstructions], lambda _scales, _layers: weight)

    return symmetric(loss) if both else by_autograd(loss, image=False)


def _in_float64(images: Sequence[Tensor], reconstructions: Sequence[Tensor], weight: float) -> Tensor:
    """The definition for float64, which itself computes in float32."""
    errors = [(exact(y) - exact(x).detach()).abs().mean() for x, y in zip(images, reconstructions, strict=True)]
    return weight * torch.stack(errors).sum()


def explicit(*, weight: float = 1.0, both: bool = False) -> Function:
    """The derivatives written out, in PyTorch."""

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        supported(*images, *reconstructions)
        value, of_images, of_reconstructions = torch.zeros((), device=reconstructions[0].device), [], []
        for image, reconstruction in zip(images, reconstructions, strict=True):
            if image.shape != reconstruction.shape:
                raise ValueError(f"feature maps of {tuple(image.shape)} and {tuple(reconstruction.shape)}")
            error = reconstruction.detach().float() - image.detach().float()
            scale = weight / error.numel()
            value = value + error.abs().mean() * weight
            gradient = error.sign_().mul_(scale).to(reconstruction.dtype)
            of_reconstructions.append(gradient)
            if both:
                of_images.append(-gradient.to(image.dtype))
        return Gradients(value, tuple(of_images), tuple(of_reconstructions))

    return function


def native(*, weight: float = 1.0, both: bool = False) -> Function:
    """All maps in one call into C."""
    return in_c(Weights(mse=0.0, l1=weight), both=both)


def in_triton(*, weight: float = 1.0, both: bool = False) -> Function:
    """All maps in one launch, by a table of their addresses."""
    from ablate.kernels.gpu.pairs import on_gpu

    return on_gpu(Weights(mse=0.0, l1=weight), both=both)


BACKENDS = (
    Backend("feature_matching", "eager", ("cpu", "cuda"), eager),
    Backend("feature_matching", "explicit", ("cpu", "cuda"), explicit),
    compiled("feature_matching", explicit),
    Backend("feature_matching", "native", ("cpu",), native, lambda _: missing("distortion")),
    Backend("feature_matching", "triton", ("cuda",), in_triton, gpu.missing),
)
