"""What compares images in [-1, 1], made to compare those of another range, against the definition in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ablate.kernels.ms_ssim.spec import Comparison
from ablate.kernels.similarity import in_range
from ablate.losses.functional import ms_ssim, ssim
from ablate.losses.structure import C1, C2, TAPS

WHITE = 255.0
SCALE = (WHITE / 2) ** 2


def in_range_of(
    planes: Callable[[Tensor, Tensor, Comparison], tuple[Tensor, Tensor]],
    weights: Sequence[float],
    sides: tuple[int, int],
    *,
    clipped: bool,
) -> str | None:
    """Says how far values or gradients are off; the second image is compared with its negative, which is below 0."""
    generator = torch.Generator().manual_seed(6)
    image = WHITE * torch.rand(2, 1, *sides, generator=generator)
    other = (image + 40 * torch.randn(image.shape, generator=generator)).clamp(0, WHITE)
    other[1] = WHITE - image[1]
    exact, options = image.double().requires_grad_(), {"data_range": WHITE, "size_average": False, "kernels": "eager"}
    if clipped:
        expected = ms_ssim(exact, other.double(), weights=weights, **options)
    else:
        expected = ssim(exact, other.double(), **options)
    (gradient,) = torch.autograd.grad((1 - expected).mean(), exact)
    comparison = Comparison(TAPS, C1 * SCALE, C2 * SCALE, 0.0, tuple(weights), WHITE, clipped)
    losses, found = in_range(planes, comparison, WHITE, image, other, True)
    wrong, far = (1 - losses - expected).abs().max(), (found - gradient).norm() / gradient.norm()
    return None if wrong < 2e-6 and far < 1e-4 else f"off by {wrong:.2g} and {far:.2g}"
