"""Convolutions with TensorFlow's SAME padding and the reflection padding of the source (reference: TF 1.x)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Returns what TensorFlow's SAME adds before and after: the odd one goes behind."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Module):
    """Convolution whose output is ceil(size / stride) whatever the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        (top, bottom), (left, right) = (same_padding(n, kernel, stride) for n in x.shape[-2:])
        if top == bottom == left == right:
            return F.conv2d(x, self.conv.weight, self.conv.bias, stride, top)
        return self.conv(F.pad(x, (left, right, top, bottom)))


class SameConvTranspose2d(nn.Module):
    """Transposed convolution of stride 2 whose output is exactly twice the size (TF crops, more behind)."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, kernel, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        height, width = 2 * x.shape[-2], 2 * x.shape[-1]
        before = (self.conv.kernel_size[0] - 2) // 2
        return self.conv(x)[..., before : before + height, before : before + width]


class ReflectConv2d(nn.Module):
    """Stride-1 convolution on a reflection-padded input, VALID; where the input is too small, edges are repeated."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(pad_reflect(x, self.conv.kernel_size[0] // 2))


def pad_reflect(x: Tensor, pad: int) -> Tensor:
    """Pads all four sides by reflection, or by repeating the edge where a side is too short to reflect."""
    mode = "reflect" if min(x.shape[-2:]) > pad else "replicate"
    return F.pad(x, (pad, pad, pad, pad), mode=mode)


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Pads (N, c, H, W) at the bottom and right to multiples of `multiple`, by reflection as far as that goes.

    A side shorter than the padding it needs is reflected again and again, so that an image of any size has one answer.
    """
    rows, columns = (_reflected(n, -(-n // multiple) * multiple, image.device) for n in image.shape[-2:])
    return image[..., rows, :][..., columns]


def _reflected(size: int, padded: int, device: torch.device) -> Tensor:
    period = max(2 * (size - 1), 1)
    position = torch.arange(padded, device=device) % period
    return torch.where(position < size, position, period - position)


def average_pool_same(x: Tensor) -> Tensor:
    """3x3 average pooling of stride 2 with SAME padding that is not counted: the next scale of the discriminator."""
    if all(n % 2 == 0 for n in x.shape[-2:]):
        return F.avg_pool2d(x, 3, 2, ceil_mode=True, count_include_pad=False)
    (top, bottom), (left, right) = (same_padding(n, 3, 2) for n in x.shape[-2:])
    pads = (left, right, top, bottom)
    counted = F.avg_pool2d(F.pad(torch.ones_like(x[:1, :1]), pads), 3, 2)
    return F.avg_pool2d(F.pad(x, pads), 3, 2) / counted
