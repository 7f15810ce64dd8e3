"""HiFiC's encoder and generator: padded with zeros, without tanh, and with a path around all residual blocks."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ablate.codecs.agustsson.generator import Residual, ResidualBlock
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.layers.norm import norm
from ablate.layers.padding import SameConv2d, SameConvTranspose2d


class HificEncoder(nn.Sequential):
    """c7s1-60, d120, d240, d480, d960, c3s1-220, each but the last with norm and ReLU (Mentzer et al. 2020, figure 2).

    Zeros are padded, as in the release. (N, 3, H, W) in [-1, 1] -> (N, C, H / 2^d, W / 2^d), unbounded.
    """

    def __init__(self, settings: AgustssonSettings) -> None:
        widths = [settings.width * 2**i for i in range(settings.downsamplings + 1)]
        layers: list[nn.Module] = [SameConv2d(3, widths[0], 7), norm(settings.norm, widths[0]), nn.ReLU()]
        for inputs, outputs in itertools.pairwise(widths):
            layers += [SameConv2d(inputs, outputs, 3, stride=2), norm(settings.norm, outputs), nn.ReLU()]
        super().__init__(*layers, SameConv2d(widths[-1], settings.channels, 3))

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image)


class HificBlock(ResidualBlock):
    """The source's block, padded with zeros."""

    CONV = SameConv2d


class HificGenerator(nn.Sequential):
    """norm, c3s1-960, norm, R960 x 9 with a path around them, u480, u240, u120, u60, c7s1-3 (Mentzer et al. 2020).

    As in the release nothing bounds the output: (N, C, h, w) -> (N, 3, h 2^d, w 2^d), about in [-1, 1].
    """

    def __init__(self, settings: AgustssonSettings) -> None:
        widths = [settings.width * 2**i for i in reversed(range(settings.downsamplings + 1))]
        layers: list[nn.Module] = [
            norm(settings.norm, settings.channels),
            SameConv2d(settings.channels, widths[0], 3),
            norm(settings.norm, widths[0]),
            Residual(*(HificBlock(widths[0], settings) for _ in range(settings.residual_blocks))),
        ]
        for wide, narrow in itertools.pairwise(widths):
            layers += [SameConvTranspose2d(wide, narrow, 3), norm(settings.norm, narrow), nn.ReLU()]
        super().__init__(*layers, SameConv2d(widths[-1], 3, 7))

    def forward(self, latent: Tensor) -> Tensor:
        return super().forward(latent)
