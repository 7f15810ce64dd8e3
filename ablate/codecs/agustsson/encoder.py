"""The encoder: image to latent."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.layers.norm import latent_norm, norm
from ablate.layers.padding import ReflectConv2d, SameConv2d


class Encoder(nn.Sequential):
    """c7s1-60, d120, d240, d480, d960, c3s1-C at width 60 and 4 downsamplings (paper, appendix; source network.py).

    Unlike in the source no ReLU follows the last layer, unless asked for: it puts every negative center out of reach.
    (N, 3, H, W) in [-1, 1] -> (N, C, H / 2^d, W / 2^d), unbounded.
    """

    def __init__(self, settings: AgustssonSettings) -> None:
        widths = [settings.width * 2**i for i in range(settings.downsamplings + 1)]
        layers: list[nn.Module] = [ReflectConv2d(3, widths[0], 7), norm(settings.norm, widths[0]), nn.ReLU()]
        for inputs, outputs in itertools.pairwise(widths):
            layers += [SameConv2d(inputs, outputs, 3, stride=2), norm(settings.norm, outputs), nn.ReLU()]
        layers.append(ReflectConv2d(widths[-1], settings.channels, 3))
        layers.append(latent_norm(settings.latent_norm, settings.channels))
        if settings.quirks.relu_before_quantizer:
            layers.append(nn.ReLU())
        super().__init__(*layers)

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image)
