"""The multi-scale patch discriminator."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ablate.config import Discriminator as DiscriminatorSettings
from ablate.model.norm import norm
from ablate.model.padding import SameConv2d, average_pool_same


class Critique(NamedTuple):
    """What the discriminators say of images: per scale the raw logits (N, 1, h, w) and the features of each layer."""

    logits: tuple[Tensor, ...]
    features: tuple[tuple[Tensor, ...], ...]


class PatchDiscriminator(nn.Module):
    """conv4 s2 64, 128, 256, 512 with LeakyReLU 0.2, norm on all but the first, then conv4 s1 to one logit a patch.

    With spectral norm every convolution's weight is divided by its largest singular value (Miyato et al. 2018,
    section 2.1), which one power iteration a step in training mode keeps up with.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        widths = [3] + [settings.width * 2**i for i in range(settings.layers)]
        self.convs = nn.ModuleList(
            SameConv2d(inputs, outputs, 4, stride=2) for inputs, outputs in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(
            nn.Identity() if i == 0 else norm(settings.norm, width) for i, width in enumerate(widths[1:])
        )
        self.logits = SameConv2d(widths[-1], 1, 4)
        self.quirks = settings.quirks

    def forward(self, image: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns raw logits (N, 1, h, w) and the features of each layer."""
        features = []
        x = image
        for conv, layer_norm in zip(self.convs, self.norms, strict=True):
            x = leaky_relu(layer_norm(conv(x)), 0.2)
            if self.quirks.double_leaky_relu and conv is not self.convs[0]:
                x = leaky_relu(x, 0.2)
            features.append(x)
        logits = self.logits(x)
        return logits.sigmoid() if self.quirks.sigmoid_logits else logits, tuple(features)


class Discriminator(nn.ModuleList):
    """One patch discriminator a scale, each on an image pooled once more; the first sees full resolution."""

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__(PatchDiscriminator(settings) for _ in range(settings.scales))

    def forward(self, image: Tensor) -> Critique:
        logits, features = [], []
        x = image
        for i, scale in enumerate(self):
            if i > 0:
                x = average_pool_same(x)
            scale_logits, scale_features = scale(x)
            logits.append(scale_logits)
            features.append(scale_features)
        return Critique(tuple(logits), tuple(features))
