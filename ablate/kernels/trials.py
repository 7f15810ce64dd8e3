"""Inputs that tell a wrong kernel from a right one: odd sizes, equal images, kinks, far logits, gaps, NaN."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ablate.losses.structure import smallest_side
from ablate.registry import unknown
from ablate.rng import stream

KINKS = (-1.0, 1.0, 0.0, 50.0, -50.0, 200.0, -200.0)
"""Where hinge losses have their kinks, and where exponentials leave float32's range."""


class Trial(NamedTuple):
    """What an operator is tried on; on the CPU, in float32."""

    name: str
    image: list[Tensor]
    reconstruction: list[Tensor]

    def to(self, device: str, dtype: torch.dtype) -> Trial:
        """Returns the same numbers elsewhere, rounded to a type; strides stay as they are."""
        image, reconstruction = (
            [each.to(device=device, dtype=dtype) for each in side] for side in (self.image, self.reconstruction)
        )
        return Trial(self.name, image, reconstruction)


def trials(operator: str, options: dict[str, Any] | None = None, seed: int = 0) -> Iterator[Trial]:
    """Yields the trials of an operator; they are drawn from `seed`.

    Raises:
        ValueError: for an operator that there is not.
    """
    generator = stream(seed, f"kernels.{operator}", 0)
    match operator:
        case "adversarial":
            yield from _logits(generator)
        case "distortion":
            yield from _images(generator, 37, 53)
        case "ms_ssim":
            side = smallest_side(levels=(options or {}).get("levels", 5))
            yield from _images(generator, side + 2, side + 12)
        case "feature_matching":
            yield from _features(generator)
        case "gradient_norm":
            gradient = torch.randn(3, 3, 13, 17, generator=generator)
            yield Trial("odd sizes", [gradient / (2 * gradient[0].norm())], [])
            yield Trial("with gaps", [gradient[..., ::2, 1:]], [])
            yield Trial("with NaN", [_with_nan(gradient)], [])
        case _:
            names = ["adversarial", "distortion", "ms_ssim", "feature_matching", "gradient_norm"]
            raise ValueError(unknown("operator", operator, names))


def _logits(generator: torch.Generator) -> Iterator[Trial]:
    shapes = ((2, 1, 9, 13), (2, 1, 5, 7), (2, 1, 3, 3))
    real, fake = ([3 * torch.randn(shape, generator=generator) for shape in shapes] for _ in range(2))
    yield Trial("odd sizes", real, fake)
    yield Trial("one scale", real[:1], fake[:1])
    at_kinks = [torch.tensor(KINKS).repeat(2, 1, 3, 1), -torch.tensor(KINKS).repeat(2, 1, 3, 1)]
    yield Trial("kinks and far logits", at_kinks, at_kinks[::-1])
    yield Trial("with gaps", [each[..., ::2] for each in real], [each.mT.contiguous().mT[..., ::2] for each in fake])
    yield Trial("with NaN", [_with_nan(each) for each in real], fake)


def _images(generator: torch.Generator, height: int, width: int) -> Iterator[Trial]:
    rows, columns = torch.linspace(0, 9, height).unsqueeze(1), torch.linspace(0, 7, width)
    smooth = torch.stack([(rows * (c + 1) / 2).sin() * (columns + c).cos() for c in range(3)]).unsqueeze(0) * 0.8
    noise = torch.randn(smooth.shape, generator=generator)
    image, reconstruction = (smooth + 0.02 * noise).clamp(-1, 1), (0.8 * smooth + 0.1 * noise.flip(-1)).clamp(-1, 1)
    yield Trial("odd sizes", [image], [reconstruction])
    yield Trial("nearly equal", [image], [image + 1e-3 * noise.flip(-2)])
    yield Trial("equal", [image], [image.clone()])
    apart = image.transpose(-1, -2).contiguous().transpose(-1, -2)
    yield Trial("with gaps", [apart], [torch.cat((reconstruction, reconstruction), 1)[:, ::2]])
    last = [each.contiguous(memory_format=torch.channels_last) for each in (image, reconstruction)]
    yield Trial("channels last", last[:1], last[1:])
    yield Trial("with NaN", [image], [_with_nan(reconstruction)])


def _features(generator: torch.Generator) -> Iterator[Trial]:
    shapes = ((2, 5, 17, 23), (2, 9, 9, 12), (2, 3, 5, 7), (1, 1, 1, 1))
    image, reconstruction = ([torch.randn(shape, generator=generator) for shape in shapes] for _ in range(2))
    yield Trial("odd sizes", image, reconstruction)
    yield Trial("equal", image, [each.clone() for each in image])
    yield Trial("with gaps", [each[..., ::2] for each in image], [each.flip(-1)[..., ::2] for each in reconstruction])
    last = [each.contiguous(memory_format=torch.channels_last) for each in reconstruction]
    yield Trial("channels last", [each.contiguous(memory_format=torch.channels_last) for each in image], last)
    yield Trial("with NaN", image, [_with_nan(each) for each in reconstruction])


def _with_nan(tensor: Tensor) -> Tensor:
    broken = tensor.clone()
    broken[(0,) * tensor.ndim] = math.nan
    return broken
