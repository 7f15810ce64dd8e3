"""Random regions of images, which a selective codec keeps: some instances of the label map, or a box.

In the paper (Agustsson et al. 2019, section 5) a quarter of the instances are kept, or a box of random place and size.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Regions = Literal["random_instance", "random_box"]
SHARE = 0.25
"""Of the instances, so many are kept, rounded, and at least one."""


def draw(regions: Regions, size: tuple[int, int], planes: Tensor | None, random: torch.Generator) -> Tensor:
    """Returns a random region, bool (H, W), that is not empty.

    Args:
        regions: what is drawn.
        size: of the image, (H, W).
        planes: its label map with instances, uint8 (3, H, W), which a box does without.
        random: what is drawn from.
    """
    if regions == "random_box":
        return _box(size, random)
    assert planes is not None, "a cell whose regions are instances has label maps"
    numbers = planes[1].int() << 8 | planes[2]
    there = numbers.unique()
    chosen = torch.randperm(len(there), generator=random)[: max(1, round(SHARE * len(there)))]
    return torch.isin(numbers, there[chosen])


def _box(size: tuple[int, int], random: torch.Generator) -> Tensor:
    """Returns a box whose height and width are uniform, and whose place then is among those where it fits."""
    region = torch.zeros(size, dtype=torch.bool)
    draws = torch.rand(2, 2, generator=random, dtype=torch.float64).tolist()
    spans = []
    for side, (length, place) in zip(size, draws, strict=True):
        long = 1 + int(length * side)
        first = int(place * (side - long + 1))
        spans.append(slice(first, first + long))
    region[tuple(spans)] = True
    return region
