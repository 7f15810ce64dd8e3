"""The generator: quantized latent, and noise, to reconstruction."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.layers.norm import norm
from ablate.layers.padding import ReflectConv2d, SameConvTranspose2d


class Residual(nn.Module):
    """Layers in a row, plus the input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ResidualBlock(Residual):
    """conv3, norm, ReLU, conv3, norm, plus the input; no ReLU after the sum."""

    CONV: type[nn.Module] = ReflectConv2d
    """What pads and convolves."""

    def __init__(self, channels: int, settings: AgustssonSettings) -> None:
        super().__init__(
            self.CONV(channels, channels, 3),
            norm(settings.norm, channels),
            nn.ReLU(),
            self.CONV(channels, channels, 3),
            norm(settings.norm, channels),
        )


class Generator(nn.Sequential):
    """c3s1-960, R960 x 9, u480, u240, u120, u60, c7s1-3, tanh at width 60 (paper, appendix; source network.py).

    (N, C or 2C, h, w), and the features of a map where there is one, -> (N, 3, h 2^d, w 2^d) in [-1, 1].
    """

    def __init__(self, settings: AgustssonSettings) -> None:
        widths = [settings.width * 2**i for i in reversed(range(settings.downsamplings + 1))]
        inputs = settings.channels * (2 if settings.noise else 1) + (widths[0] if settings.map_classes else 0)
        layers: list[nn.Module] = [ReflectConv2d(inputs, widths[0], 3), norm(settings.norm, widths[0]), nn.ReLU()]
        layers += [ResidualBlock(widths[0], settings) for _ in range(settings.residual_blocks)]
        for wide, narrow in itertools.pairwise(widths):
            layers += [SameConvTranspose2d(wide, narrow, 3), norm(settings.norm, narrow), nn.ReLU()]
        layers += [ReflectConv2d(widths[-1], 3, 7), nn.Tanh()]
        super().__init__(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        return super().forward(latent)
