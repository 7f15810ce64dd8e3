"""The derivatives written out, in PyTorch, with all planes as the channels of one image.

A depthwise convolution is several times faster in this memory format, and one level's four averages are one call.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.ms_ssim.spec import REACH, Comparison, check, together
from ablate.losses.structure import BLACK, C1, C2, TAPS
from ablate.networks.exact import full_precision


def build(*, levels: int = 5) -> Function:
    """Returns 1 - MS-SSIM with the reconstruction's gradient."""
    comparison = Comparison.of_levels(levels)

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        check(image, reconstruction, levels)
        losses, gradient = planes(reconstruction, image, comparison)
        return Gradients(losses.mean().float(), (), (gradient,))

    return function


def planes(first: Tensor, second: Tensor, comparison: Comparison) -> tuple[Tensor, Tensor]:
    """Returns each plane's loss, float64 (N C,), and the gradient of their mean by the first of two images in [-1, 1].

    Of the comparison, levels and clipping count.
    """
    x, y = _interleaved(first), _interleaved(second)
    losses, gradients = [], []
    s, d = x + y, x - y
    levels = len(comparison.weights)
    for level in range(levels):
        loss, gradient = _level(s, d, coarsest=level == levels - 1)
        losses.append(loss)
        gradients.append(gradient)
        if level < levels - 1:
            s, d = _halved(s, 2 * BLACK), _halved(d, 0.0)
    by_plane, factors = together(torch.stack(losses), comparison)
    return by_plane, _separated(_added_up(gradients, factors), first)


def _interleaved(images: Tensor) -> Tensor:
    """Turns (N, 3, H, W) into (H, W, 3 N), float32; a view of the images where they lie so already."""
    height, width = images.shape[-2:]
    planes = images.detach().float().reshape(-1, height * width)
    return planes.t().contiguous().view(height, width, -1)


def _separated(planes: Tensor, like: Tensor) -> Tensor:
    height, width, count = planes.shape
    return planes.reshape(height * width, count).t().contiguous().view(like.shape).to(like.dtype)


@functools.cache
def _windows(planes: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns the window as depthwise weights down and across, (planes, 1, 11, 1) and (planes, 1, 1, 11)."""
    taps = torch.tensor(TAPS, dtype=torch.float32, device=device)
    return (
        taps.view(1, 1, -1, 1).expand(planes, -1, -1, -1).contiguous(memory_format=torch.channels_last),
        taps.view(1, 1, 1, -1).expand(planes, -1, -1, -1).contiguous(memory_format=torch.channels_last),
    )


def _blurred(maps: Tensor, padding: int = 0) -> Tensor:
    """Averages (M, H, W, K) under the window, over `padding` zeros around it."""
    down, across = _windows(maps.shape[-1], maps.device)
    planes = maps.permute(0, 3, 1, 2)
    with full_precision(maps.device):
        planes = F.conv2d(planes, down, groups=len(down), padding=(padding, 0))
        planes = F.conv2d(planes, across, groups=len(down), padding=(0, padding))
    return planes.permute(0, 2, 3, 1)


def _level(s: Tensor, d: Tensor, *, coarsest: bool) -> tuple[Tensor, Tensor]:
    """Returns each plane's mean dissimilarity (K,) and, unscaled, minus its gradient (H, W, K) by x."""
    # The four averages under the window.
    stack = s.new_empty(4, *s.shape)
    stack[0], stack[1] = s, d
    torch.mul(s, s, out=stack[2])
    torch.mul(d, d, out=stack[3])
    mean_s, mean_d, variance_s, variance_d = _blurred(stack).unbind(0)
    variance_s.addcmul_(mean_s, mean_s, value=-1)
    variance_d.addcmul_(mean_d, mean_d, value=-1)

    # Dissimilarity, and its derivatives by the averages of squares.
    inverse = (variance_s + variance_d).add_(2 * C2).reciprocal_()
    unlike = (variance_d * inverse).mul_(2)
    squared = inverse.square_()
    maps = s.new_empty(3, *inverse.shape)
    torch.mul(variance_d, squared, out=maps[1]).mul_(2)
    torch.mul(variance_s.add_(2 * C2), squared, out=maps[2]).mul_(-2)
    light: tuple[Tensor, Tensor] | None = None
    if coarsest:
        unlike, light, luminance = _luminance(mean_s, mean_d, unlike)
        maps[1:3].mul_(luminance)

    # Its derivative by the means, and all three spread back over the pixels.
    of_s, of_d = mean_s * maps[1], mean_d * maps[2]
    of_s.mul_(-2)
    of_d.mul_(-2)
    if light is not None:
        of_s.add_(light[0])
        of_d.add_(light[1])
    torch.add(of_s, of_d, out=maps[0])
    spread = _blurred(maps, REACH)
    by_square_s, by_square_d = spread[1].mul_(s).mul_(2), spread[2].mul_(d).mul_(2)
    return unlike.mean((0, 1)), by_square_s.add_(by_square_d).add_(spread[0])


def _luminance(mean_s: Tensor, mean_d: Tensor, unlike: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
    """Returns dissimilarity with luminance, its part of the gradient by both means, and luminance."""
    bright = mean_s - 2 * BLACK
    a, b = bright.square(), mean_d.square()
    share = (a + b + 2 * C1).reciprocal_()
    darker = 2 * b * share
    slope = 4 * (1 - unlike) * share.square()
    light = slope * b * bright, -slope * mean_d * (a + 2 * C1)
    return darker + unlike - darker * unlike, light, 1 - darker


def _added_up(gradients: Sequence[Tensor], factors: Tensor) -> Tensor:
    """Returns the gradient at the finest level; what a coarse pixel gets, its four pixels share."""
    total: Tensor | None = None
    for gradient, factor in zip(reversed(gradients), reversed(factors.unbind(0)), strict=True):
        height, width = gradient.shape[:2]
        gradient.mul_((factor / ((height - REACH) * (width - REACH))).to(gradient.dtype))
        if total is not None:
            upper, left = height % 2, width % 2
            for row in range(2):
                for column in range(2):
                    here = gradient[(row - upper) % 2 :: 2, (column - left) % 2 :: 2]
                    quarter = total[(row < upper) * 1 :, (column < left) * 1 :]
                    here.add_(quarter, alpha=0.25)
        total = gradient
    assert total is not None
    return total


def _halved(planes: Tensor, black: float) -> Tensor:
    """Averages 2 x 2 pixels of (H, W, K); a side of odd length has black before its first pixel."""
    height, width = planes.shape[:2]
    if height % 2 or width % 2:
        planes = F.pad(planes, (0, 0, width % 2, 0, height % 2, 0), value=black)
    return F.avg_pool2d(planes.permute(2, 0, 1).unsqueeze(0), 2).squeeze(0).permute(1, 2, 0).contiguous()
