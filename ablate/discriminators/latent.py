"""The discriminator that judges an image beside what the codec sent of it: HiFiC's."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.discriminators.discriminator import Features
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.norm import norm
from ablate.layers.padding import SameConv2d

WIDEST = 512
"""No layer has more channels."""


class LatentDiscriminator(nn.Module):
    """conv4 s2 64, 128, 256, conv4 s1 512 and to one logit a patch, LeakyReLU 0.2 between them.

    What was sent goes through conv3 and LeakyReLU, is enlarged to the image's size by repeating it, and stands beside
    the image. Published without norm and with spectral norm.
    """

    def __init__(self, settings: DiscriminatorSettings, *, sent: int, told: int) -> None:
        super().__init__()
        self.told = SameConv2d(sent, told, 3)
        widths = [min(settings.width * 2**i, WIDEST) for i in range(settings.layers + 1)]
        strides = [2] * settings.layers + [1]
        self.convs = nn.ModuleList(
            SameConv2d(inputs, outputs, 4, stride)
            for (inputs, outputs), stride in zip(itertools.pairwise([3 + told, *widths]), strides, strict=True)
        )
        self.norms = nn.ModuleList(
            nn.Identity() if i == 0 else norm(settings.norm, width) for i, width in enumerate(widths)
        )
        self.logits = SameConv2d(widths[-1], 1, 4)

    def forward(self, image: Tensor, sent: Tensor | None = None) -> tuple[Tensor, Features]:
        """Returns raw logits (N, 1, h, w) and the features of each layer, of an image and what was sent of it."""
        assert sent is not None, "a codec that says what it sends gives it in training"
        told = F.leaky_relu(self.told(sent.to(image.dtype)), 0.2)
        x = torch.cat([image, F.interpolate(told, size=image.shape[-2:])], 1)
        features = []
        for conv, layer_norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(layer_norm(conv(x)), 0.2)
            features.append(x)
        return self.logits(x), tuple(features)
