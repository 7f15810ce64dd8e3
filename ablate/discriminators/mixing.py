"""Random mixing of a frozen network's features, fixed for a whole training (Sauer et al. 2021, section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Mixing(nn.Module):
    """No mixing: the maps as they are; `channels` are those of what comes out, `doubles` says that maps grow."""

    doubles = False

    def __init__(self, channels: Sequence[int], _projected: int) -> None:
        super().__init__()
        self.channels = tuple(channels)

    def forward(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        """Returns the maps (N, c, h, w) in the same order."""
        return maps

    def draw(self, generator: torch.Generator) -> None:
        """Draws what is random; here nothing is."""


class ChannelMixing(Mixing):
    """A random 1x1 convolution of each map, to `projected` channels at the finest and twice as many at each next."""

    def __init__(self, channels: Sequence[int], projected: int) -> None:
        super().__init__([projected * 2**scale for scale in range(len(channels))], projected)
        self.across = nn.ModuleList(
            FixedConv(inputs, outputs) for inputs, outputs in zip(channels, self.channels, strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        return [mix(each) for mix, each in zip(self.across, maps, strict=True)]

    def draw(self, generator: torch.Generator) -> None:
        """Draws the convolutions as torch draws those that are trained."""
        for layer in self.modules():
            if isinstance(layer, FixedConv):
                layer.draw(generator)


class ScaleMixing(ChannelMixing):
    """Channel mixing, then from coarse to fine: add, enlarge, random 1x1 convolution; maps come out twice as large.

    As in the release each step but the last halves the channels.
    """

    doubles = True

    def __init__(self, channels: Sequence[int], projected: int) -> None:
        super().__init__(channels, projected)
        inputs = self.channels
        self.channels = tuple(max(each // 2, projected) if scale else each for scale, each in enumerate(inputs))
        self.between = nn.ModuleList(FixedConv(*pair) for pair in zip(inputs, self.channels, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        mixed = super().forward(maps)
        found: list[Tensor] = []
        for scale in range(len(mixed) - 1, -1, -1):
            x = mixed[scale] + found[-1] if found else mixed[scale]
            # Twice as large, or as large as what it is added to, where halves were rounded.
            size = mixed[scale - 1].shape[-2:] if scale else [2 * n for n in x.shape[-2:]]
            enlarged = F.interpolate(x, tuple(size), mode="bilinear", align_corners=True)
            found.append(self.between[scale](enlarged))
        return found[::-1]


class FixedConv(nn.Module):
    """A 1x1 convolution with weights that are drawn and kept, trained by nobody and saved nowhere."""

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs, 1, 1), persistent=False)
        self.register_buffer("bias", torch.zeros(outputs), persistent=False)

    def draw(self, generator: torch.Generator) -> None:
        """Draws weights and biases uniformly within 1 / sqrt(inputs), as torch initialises a convolution."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        for each in (self.weight, self.bias):
            each.copy_((2 * torch.rand(each.shape, generator=generator) - 1) * bound)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias)


MIXINGS: Mapping[str, type[Mixing]] = {"scale": ScaleMixing, "channel": ChannelMixing, "none": Mixing}
