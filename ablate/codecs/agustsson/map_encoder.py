"""The encoder of label maps: a map to features beside the latent; what is sent is the map itself."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.layers.labels import one_hot
from ablate.layers.norm import norm
from ablate.layers.padding import ReflectConv2d, SameConv2d, pad_to_multiple


class MapEncoder(nn.Sequential):
    """c7s1-60, d120, d240, d480, d960 at width 60 and 4 downsamplings (paper, appendix: "semantic label map encoder").

    A channel for each class, (N, K, H, W) -> (N, 16 x width, H / 16, W / 16). With instance norm a crop of one class
    throughout is like one of any other; channel norm, or none, tells them apart.
    """

    def __init__(self, settings: AgustssonSettings) -> None:
        widths = [settings.width * 2**i for i in range(settings.downsamplings + 1)]
        layers: list[nn.Module] = [
            ReflectConv2d(settings.map_classes, widths[0], 7), norm(settings.norm, widths[0]), nn.ReLU()
        ]  # fmt: skip
        for inputs, outputs in itertools.pairwise(widths):
            layers += [SameConv2d(inputs, outputs, 3, stride=2), norm(settings.norm, outputs), nn.ReLU()]
        super().__init__(*layers)
        self.classes, self.stride = settings.map_classes, 2**settings.downsamplings

    def forward(self, channels: Tensor) -> Tensor:
        return super().forward(channels)

    def features(self, labels: Tensor) -> Tensor:
        """Returns the features of label maps, uint8 (N, H, W), of any size.

        Raises:
            ValueError: for a label that is no class.
        """
        padded = pad_to_multiple(labels[:, None], self.stride)[:, 0]
        features: Tensor = self(one_hot(padded, self.classes))
        return features
