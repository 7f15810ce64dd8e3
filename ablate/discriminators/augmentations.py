"""Differentiable augmentations of what discriminators see, after DiffAugment (Zhao et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le

from ablate.discriminators.catalogue import augmentations
from ablate.late_torch import Tensor, torch

Part = Annotated[float, Gt(0), Le(1)]
"""Share of an image's side."""


@dataclass(frozen=True)
class Augmentation:
    """A change of images that gradients pass through.

    Attributes:
        draws: how many numbers it takes for each image.
        apply: images (N, 3, H, W) in [-1, 1] and uniform numbers (N, draws) from [0, 1) to as many images.
    """

    draws: int
    apply: Callable[[Tensor, Tensor], Tensor]


@augmentations.register(
    formula=r"x + b,\ b \in [-\tfrac12, \tfrac12]; \quad \bar x_c + s (x - \bar x_c),\ s \in [0, 2]; \quad "
    r"\bar x + k (x - \bar x),\ k \in [\tfrac12, \tfrac32]",
    source="Zhao et al. 2020, NeurIPS, and its release: rand_brightness, rand_saturation, rand_contrast in this order",
)
def color() -> Augmentation:
    """Brightness, saturation and contrast of each image, in this order; values may leave [-1, 1]."""

    def apply(images: Tensor, drawn: Tensor) -> Tensor:
        brightness, saturation, contrast = (each[:, None, None, None] for each in drawn.to(images.dtype).unbind(1))
        x = images + (brightness - 0.5)
        grey = x.mean(1, keepdim=True)
        x = grey + 2 * saturation * (x - grey)
        mean = x.mean((1, 2, 3), keepdim=True)
        return mean + (0.5 + contrast) * (x - mean)

    return Augmentation(3, apply)


@augmentations.register(
    formula=r"x(i - t_i, j - t_j), \quad |t| \le r \cdot \text{side}; \text{ 0 where nothing was}",
    source="Zhao et al. 2020, NeurIPS, and its release: rand_translation, ratio 1/8",
    moves=True,
)
def translation(*, ratio: Part = 0.125) -> Augmentation:
    """Moves each image by whole pixels, up to `ratio` of its sides; what moves in is grey."""

    def apply(images: Tensor, drawn: Tensor) -> Tensor:
        rows, columns = (_places(images.shape[side], drawn[:, axis], ratio) for axis, side in enumerate((2, 3)))
        each = torch.arange(len(images), device=images.device)[:, None, None]
        padded = torch.nn.functional.pad(images, (1, 1, 1, 1)).permute(0, 2, 3, 1)
        return padded[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    return Augmentation(2, apply)


@augmentations.register(
    formula=r"x \cdot m, \quad m = 0 \text{ in a square of } r \cdot \text{side}",
    source="Zhao et al. 2020, NeurIPS, and its release: rand_cutout, ratio 1/2",
)
def cutout(*, ratio: Part = 0.5) -> Augmentation:
    """Greys a rectangle of `ratio` of each side, whose middle lies anywhere in the image."""

    def apply(images: Tensor, drawn: Tensor) -> Tensor:
        inside = [_hole(images.shape[side], drawn[:, axis], ratio) for axis, side in enumerate((2, 3))]
        hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return images.masked_fill(hole, 0.0)

    return Augmentation(2, apply)


def _places(size: int, drawn: Tensor, ratio: float) -> Tensor:
    """Returns which of `size` positions (N, size) are seen after a shift, counted from 1; others are outside."""
    furthest = int(ratio * size + 0.5)
    shift = (drawn * (2 * furthest + 1)).floor().long() - furthest
    return (torch.arange(1, size + 1, device=drawn.device) + shift[:, None]).clamp(0, size + 1)


def _hole(size: int, drawn: Tensor, ratio: float) -> Tensor:
    """Returns which of `size` positions (N, size) lie in the hole."""
    length = int(ratio * size + 0.5)
    middle = (drawn * (size + 1 - length % 2)).floor().long()[:, None]
    position = torch.arange(size, device=drawn.device)
    return (position >= middle - length // 2) & (position < middle - length // 2 + length)
