"""Inputs that tell a wrong kernel from a right one: odd sizes, equal images, kinks, far logits, gaps, NaN."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Trial(NamedTuple):
    """Inputs that an operator is tried on; on the CPU, in float32."""

    name: str
    image: list[Tensor]
    reconstruction: list[Tensor]

    def to(self, device: str, dtype: torch.dtype) -> Trial:
        """Returns the same numbers elsewhere, rounded to a type; strides stay as they are."""
        image, reconstruction = (
            [each.to(device=device, dtype=dtype) for each in side] for side in (self.image, self.reconstruction)
        )
        return Trial(self.name, image, reconstruction)


def image_trials(generator: torch.Generator, height: int, width: int) -> Iterator[Trial]:
    """Yields pairs of an image and its reconstruction, (1, 3, height, width)."""
    rows, columns = torch.linspace(0, 9, height).unsqueeze(1), torch.linspace(0, 7, width)
    smooth = torch.stack([(rows * (c + 1) / 2).sin() * (columns + c).cos() for c in range(3)]).unsqueeze(0) * 0.8
    noise = torch.randn(smooth.shape, generator=generator)
    image, reconstruction = (smooth + 0.02 * noise).clamp(-1, 1), (0.8 * smooth + 0.1 * noise.flip(-1)).clamp(-1, 1)
    yield Trial("odd sizes", [image], [reconstruction])
    yield Trial("nearly equal", [image], [image + 1e-3 * noise.flip(-2)])
    yield Trial("equal", [image], [image.clone()])
    apart = image.transpose(-1, -2).contiguous().transpose(-1, -2)
    yield Trial("with gaps", [apart], [torch.cat((reconstruction, reconstruction), 1)[:, ::2]])
    yield Trial("channels last", channels_last([image]), channels_last([reconstruction]))
    yield Trial("with NaN", [image], [with_nan(reconstruction)])


def channels_last(tensors: list[Tensor]) -> list[Tensor]:
    """Returns the same numbers with the channels as the fastest dimension in memory."""
    return [each.contiguous(memory_format=torch.channels_last) for each in tensors]


def with_nan(tensor: Tensor) -> Tensor:
    """Returns a copy whose first number is NaN."""
    broken = tensor.clone()
    broken[(0,) * tensor.ndim] = math.nan
    return broken
