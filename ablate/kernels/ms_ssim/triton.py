"""Two launches a level, and one that halves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.gpu import where_tensors_lie
from ablate.kernels.ms_ssim.spec import REACH, Comparison, check, together
from ablate.kernels.ms_ssim.triton_level import halve_kernel, measure_kernel, spread_kernel

ROWS = 64
COLUMNS = 128
WARPS = 4


def build(*, levels: int = 5) -> Function:
    """Returns 1 - MS-SSIM with the reconstruction's gradient."""
    comparison = Comparison.of_levels(levels)

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        check(image, reconstruction, levels)
        losses, gradient = planes(reconstruction, image, comparison)
        return Gradients(losses.mean().float(), (), (gradient,))

    return where_tensors_lie(function)


def planes(first: Tensor, second: Tensor, comparison: Comparison) -> tuple[Tensor, Tensor]:
    """Returns each plane's loss, float64 (N C,), and the gradient of their mean by the first of two images in [-1, 1].

    Of the comparison, levels and clipping count.
    """
    pairs = [(_planes(first), _planes(second))]
    maps, unlike = [], []
    levels = len(comparison.weights)
    for level in range(levels):
        if level:
            pairs.append(_halved(*pairs[-1]))
        made, mean = _measured(*pairs[-1], coarsest=level == levels - 1)
        maps.append(made)
        unlike.append(mean)
    losses, factors = together(torch.stack(unlike), comparison)
    gradient: Tensor | None = None
    for level in reversed(range(levels)):
        gradient = _spread(*pairs[level], maps[level], factors[level], gradient, last=level == 0)
    assert gradient is not None
    return losses, gradient.view(first.shape)


def _planes(images: Tensor) -> Tensor:
    return images.detach().contiguous().flatten(0, 1)


def _halved(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    planes, height, width = x.shape
    high, wide = (height + 1) // 2, (width + 1) // 2
    half_x, half_y = (x.new_empty((planes, high, wide), dtype=torch.float32) for _ in range(2))
    halve_kernel[(triton.cdiv(high * wide, 1024), planes)](x, y, half_x, half_y, height, width, PIXELS=1024)
    return half_x, half_y


def _measured(x: Tensor, y: Tensor, *, coarsest: bool) -> tuple[Tensor, Tensor]:
    """Returns a level's maps and each plane's mean dissimilarity (planes,)."""
    planes, height, width = x.shape
    high, wide = height - REACH, width - REACH
    maps = x.new_empty((3, planes, high, wide), dtype=torch.float32)
    grid = (triton.cdiv(wide, COLUMNS), triton.cdiv(high, ROWS), planes)
    partial = x.new_empty((planes, grid[0] * grid[1]), dtype=torch.float32)
    measure_kernel[grid](
        x,
        y,
        maps,
        partial,
        height,
        width,
        COARSEST=coarsest,
        ROWS=ROWS,
        COLUMNS=COLUMNS,
        num_warps=WARPS,
    )
    return maps, partial.sum(1, dtype=torch.float64) / (high * wide)


def _spread(x: Tensor, y: Tensor, maps: Tensor, factors: Tensor, coarse: Tensor | None, *, last: bool) -> Tensor:
    """Returns the gradient at a level by x."""
    planes, height, width = x.shape
    per_window = (factors / ((height - REACH) * (width - REACH))).float()
    gradient = torch.empty_like(x, dtype=x.dtype if last else torch.float32)
    grid = (triton.cdiv(width, COLUMNS), triton.cdiv(height, ROWS), planes)
    spread_kernel[grid](
        x,
        y,
        maps,
        per_window,
        gradient if coarse is None else coarse,
        gradient,
        height,
        width,
        COARSEST=coarse is None,
        ROWS=ROWS,
        COLUMNS=COLUMNS,
        num_warps=WARPS,
    )
    return gradient
