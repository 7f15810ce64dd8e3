"""1 - MS-SSIM with its gradients: the definition, planes as channels in PyTorch, and C.

The equations of the fast forms are at the head of native/ms_ssim.c.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.kernels import gpu
from ablate.kernels.backend import Backend, Function, Gradients
from ablate.kernels.by_autograd import by_autograd, exact, symmetric
from ablate.kernels.layout import plain, supported
from ablate.kernels.native.library import library, missing
from ablate.losses import distortion
from ablate.losses.distortion_loss import require_side
from ablate.losses.structure import BLACK, C1, C2, TAPS, WINDOW, scale_weights, smallest_side
from ablate.networks.exact import full_precision

REACH = WINDOW - 1
MOST_LEVELS = 5


def eager(*, levels: int = 5, both: bool = False) -> Function:
    """The definition, by autograd."""
    definition = distortion("ms_ssim", levels=levels)

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        return definition(exact(images[0]), exact(reconstructions[0]))

    return symmetric(loss) if both else by_autograd(loss, image=False)


def channels_last(*, levels: int = 5, both: bool = False) -> Function:
    """The derivatives written out, in PyTorch, with all planes as the channels of one image.

    A depthwise convolution is several times faster in this memory format, and one level's four averages are one call.
    """
    weights = scale_weights(levels)

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        check(image, reconstruction, levels)
        x, y = _interleaved(reconstruction), _interleaved(image)
        losses, gradients = [], []
        s, d = x + y, x - y
        for level in range(levels):
            loss, gradient = _level(s, d, coarsest=level == levels - 1, both=both)
            losses.append(loss)
            gradients.append(gradient)
            if level < levels - 1:
                s, d = _halved(s, 2 * BLACK), _halved(d, 0.0)
        value, factors = together(torch.stack(losses), weights)
        total = [_added_up([each[side] for each in gradients], factors) for side in range(1 + both)]
        of_x, of_y = (total[0] + total[1], total[0] - total[1]) if both else (total[0], None)
        of_image = () if of_y is None else (_separated(of_y, image),)
        return Gradients(value, of_image, (_separated(of_x, reconstruction),))

    return function


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


def _level(s: Tensor, d: Tensor, *, coarsest: bool, both: bool) -> tuple[Tensor, list[Tensor]]:
    """Returns each plane's mean dissimilarity (K,) and, unscaled, minus its gradient: by x alone, or by s and by d."""
    height, width, planes = s.shape
    stack = s.new_empty(4, height, width, planes)
    stack[0], stack[1] = s, d
    torch.mul(s, s, out=stack[2])
    torch.mul(d, d, out=stack[3])
    mean_s, mean_d, variance_s, variance_d = _blurred(stack).unbind(0)
    variance_s.addcmul_(mean_s, mean_s, value=-1)
    variance_d.addcmul_(mean_d, mean_d, value=-1)
    inverse = (variance_s + variance_d).add_(2 * C2).reciprocal_()
    unlike = (variance_d * inverse).mul_(2)
    squared = inverse.square_()
    maps = s.new_empty(3 + both, *inverse.shape)
    torch.mul(variance_d, squared, out=maps[1]).mul_(2)
    torch.mul(variance_s.add_(2 * C2), squared, out=maps[2]).mul_(-2)
    light: tuple[Tensor, Tensor] | None = None
    if coarsest:
        unlike, light, luminance = _luminance(mean_s, mean_d, unlike)
        maps[1:3].mul_(luminance)
    of_s, of_d = mean_s * maps[1], mean_d * maps[2]
    of_s.mul_(-2)
    of_d.mul_(-2)
    if light is not None:
        of_s.add_(light[0])
        of_d.add_(light[1])
    if both:
        maps[0], maps[3] = of_s, of_d
    else:
        torch.add(of_s, of_d, out=maps[0])
    spread = _blurred(maps, REACH)
    by_square_s, by_square_d = spread[1].mul_(s).mul_(2), spread[2].mul_(d).mul_(2)
    if both:
        return unlike.mean((0, 1)), [by_square_s.add_(spread[0]), by_square_d.add_(spread[3])]
    return unlike.mean((0, 1)), [by_square_s.add_(by_square_d).add_(spread[0])]


def _luminance(mean_s: Tensor, mean_d: Tensor, unlike: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
    """Returns dissimilarity with luminance, its part of the gradient by both means, and luminance."""
    bright = mean_s - 2 * BLACK
    a, b = bright.square(), mean_d.square()
    share = (a + b + 2 * C1).reciprocal_()
    darker = 2 * b * share
    slope = 4 * (1 - unlike) * share.square()
    light = slope * b * bright, -slope * mean_d * (a + 2 * C1)
    return darker + unlike - darker * unlike, light, 1 - darker


def together(unlike: Tensor, weights: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Returns the loss from each level's and plane's dissimilarity (L, K), and its derivative by minus these.

    In float64, in which the sums over a few planes cost nothing and 1 - MS-SSIM keeps its digits.
    """
    unlike = unlike.double()
    exponents = _exponents(tuple(weights), unlike.device)
    dead = (unlike >= 1).any(0)
    logarithm = (exponents * torch.log1p(-unlike)).sum(0)
    losses = torch.where(dead, 1.0, -torch.expm1(logarithm))
    factors = torch.where(dead, 0.0, -exponents * logarithm.exp() / (1 - unlike)) / len(losses)
    return losses.mean().float(), factors


@functools.cache
def _exponents(weights: tuple[float, ...], device: torch.device) -> Tensor:
    """Returns the levels' weights as (L, 1); kept, as each copy to a GPU would wait for it."""
    return torch.tensor(weights, dtype=torch.float64, device=device).unsqueeze(1)


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


class Settings(ctypes.Structure):
    """Settings of ms_ssim.c."""

    _fields_ = (
        ("taps", ctypes.c_float * 6),
        ("c1", ctypes.c_float),
        ("c2", ctypes.c_float),
        ("black", ctypes.c_float),
        ("levels", ctypes.c_int),
        ("weights", ctypes.c_double * MOST_LEVELS),
    )


class _Planes(NamedTuple):
    planes: int
    height: int
    width: int


def native(*, levels: int = 5, both: bool = False) -> Function:
    """Each plane streamed through the caches in C."""
    weights = scale_weights(levels)
    settings = Settings(TAPS[:6], C1, C2, 2 * BLACK, levels, (*weights, *[0.0] * (MOST_LEVELS - levels)))
    call = library("ms_ssim").ms_ssim
    pointer = ctypes.c_void_p
    planes = (ctypes.c_int64, ctypes.c_int, ctypes.c_int)
    call.argtypes = (pointer, pointer, pointer, *planes, ctypes.c_int, *[pointer] * 4)
    call.restype = ctypes.c_int

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        check(image, reconstruction, levels)
        x, y = plain(reconstruction), plain(image)
        size = _Planes(x.numel() // (x.shape[-2] * x.shape[-1]), x.shape[-2], x.shape[-1])
        of_x, of_y = torch.empty_like(x), torch.empty_like(y) if both else None
        losses, value = torch.empty(size.planes, dtype=torch.float64), torch.empty(())
        outputs = (losses.data_ptr(), of_x.data_ptr(), None if of_y is None else of_y.data_ptr(), value.data_ptr())
        inputs = (ctypes.addressof(settings), x.data_ptr(), y.data_ptr())
        if call(*inputs, *size, torch.get_num_threads(), *outputs):
            raise MemoryError("ms_ssim.c found no memory")
        of_image = () if of_y is None else (of_y.to(image.dtype),)
        return Gradients(value, of_image, (of_x.to(reconstruction.dtype),))

    return function


def check(image: Tensor, reconstruction: Tensor, levels: int) -> None:
    """Refuses images that do not fit.

    Raises:
        ValueError: for two shapes, for sides that the levels do not fit into, and for another type.
    """
    supported(image, reconstruction)
    if image.shape != reconstruction.shape:
        raise ValueError(f"the image is {tuple(image.shape)}, its reconstruction {tuple(reconstruction.shape)}")
    require_side(image, smallest_side(levels=levels), f"MS-SSIM of {levels} levels")


def in_triton(*, levels: int = 5, both: bool = False) -> Function:
    """Two launches a level."""
    from ablate.kernels.gpu.ms_ssim import on_gpu

    return on_gpu(levels=levels, both=both)


BACKENDS = (
    Backend("ms_ssim", "eager", ("cpu", "cuda"), eager),
    Backend("ms_ssim", "channels_last", ("cpu", "cuda"), channels_last),
    Backend("ms_ssim", "native", ("cpu",), native, lambda _: missing("ms_ssim")),
    Backend("ms_ssim", "triton", ("cuda",), in_triton, gpu.missing),
)
