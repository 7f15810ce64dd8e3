"""The patch discriminator, which most losses need, and the trunk that other kinds share with it."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ablate.discriminators.discriminator import Features
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.norm import norm
from ablate.layers.padding import SameConv2d


class Trunk(nn.Module):
    """conv4 s2 64, 128, 256, 512 with LeakyReLU 0.2, norm on all but the first: image -> the features of each layer.

    The image has a channel more for each class of a label map that is seen beside it.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        self.widths = [settings.width * 2**i for i in range(settings.layers)]
        self.convs = nn.ModuleList(
            SameConv2d(inputs, outputs, 4, stride=2)
            for inputs, outputs in itertools.pairwise([3 + settings.map_classes, *self.widths])
        )
        self.norms = nn.ModuleList(
            nn.Identity() if i == 0 else norm(settings.norm, width) for i, width in enumerate(self.widths)
        )
        self.double_leaky_relu = settings.quirks.double_leaky_relu

    def forward(self, image: Tensor) -> Features:
        features = []
        x = image
        for conv, layer_norm in zip(self.convs, self.norms, strict=True):
            x = leaky_relu(layer_norm(conv(x)), 0.2)
            if self.double_leaky_relu and conv is not self.convs[0]:
                x = leaky_relu(x, 0.2)
            features.append(x)
        return tuple(features)


class PatchDiscriminator(nn.Module):
    """The trunk, then conv4 s1 to one logit a patch; what the codec sent is not looked at.

    With spectral norm every convolution's weight is divided by its largest singular value (Miyato et al. 2018,
    section 2.1), which one power iteration a forward pass keeps up with: two a step of the discriminators, one or
    two of the generator's, and those of penalties, where the paper has one a step.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        self.trunk = Trunk(settings)
        self.logits = SameConv2d(self.trunk.widths[-1], 1, 4)
        self.sigmoid_logits = settings.quirks.sigmoid_logits

    def forward(self, image: Tensor, _symbols: Tensor | None = None) -> tuple[Tensor, Features]:
        """Returns raw logits (N, 1, h, w) and the features of each layer."""
        features = self.trunk(image)
        logits = self.logits(features[-1])
        return logits.sigmoid() if self.sigmoid_logits else logits, features
