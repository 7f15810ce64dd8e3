"""The discriminator that judges each pixel and the whole image, and the way back up that it shares with labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.discriminators.discriminator import Discriminator, DiscriminatorOutput, Features
from ablate.discriminators.multiscale import normalise_spectrum
from ablate.discriminators.patch import Trunk
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.initial import initialise
from ablate.layers.padding import SameConv2d
from ablate.rng import stream


class Ascending(nn.Module):
    """The trunk down, and up again from layer to layer: enlarge, join with the trunk's features, conv3, LeakyReLU."""

    def __init__(self, settings: DiscriminatorSettings, finest: int) -> None:
        """Goes up to the layer `finest` of the trunk, counted from 0."""
        super().__init__()
        self.trunk = Trunk(settings)
        widths = self.trunk.widths
        fine = range(settings.layers - 1, finest, -1)
        self.merges = nn.ModuleList(SameConv2d(widths[i] + widths[i - 1], widths[i - 1], 3) for i in fine)

    def descend_and_ascend(self, image: Tensor) -> tuple[Features, Features]:
        """Returns the features of the trunk from fine to coarse, and those on the way up from coarse to fine."""
        down = self.trunk(image)
        up, x = [], down[-1]
        for merge, finer in zip(self.merges, reversed(down[:-1]), strict=False):
            x = F.interpolate(x, scale_factor=2.0)[..., : finer.shape[-2], : finer.shape[-1]]
            x = F.leaky_relu(merge(torch.cat([x, finer], 1)), 0.2)
            up.append(x)
        return down, tuple(up)


class UNetDiscriminator(Ascending, Discriminator):
    """The trunk of the patch discriminator as encoder, and a decoder back to each pixel.

    The logit of the image is of the encoder's last features, summed over space; both count alike where scales are
    averaged, as published. Its second "scale" is the image.
    """

    scales = 2

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__(settings, finest=0)
        widths = self.trunk.widths
        self.image = SameConv2d(widths[-1], 1, 1)
        self.last = SameConv2d(widths[0], widths[0], 3)
        self.pixels = SameConv2d(widths[0], 1, 1)
        self.spectral_norm = settings.spectral_norm

    def forward(self, image: Tensor, _symbols: Tensor | None = None) -> DiscriminatorOutput:
        """Returns logits (N, 1, H, W) of the pixels and (N, 1, 1, 1) of the image; features of decoder and encoder."""
        down, up = self.descend_and_ascend(image)
        finest = up[-1] if up else down[-1]
        x = F.interpolate(finest, scale_factor=2.0)[..., : image.shape[-2], : image.shape[-1]]
        x = F.leaky_relu(self.last(x), 0.2)
        whole = self.image(down[-1].sum((2, 3), keepdim=True))
        return DiscriminatorOutput((self.pixels(x), whole), ((*up, x), down))

    def initialise(self, seed: int) -> None:
        """Draws the weights from a stream of their own."""
        initialise(self, stream(seed, "discriminator.init", 0))
        if self.spectral_norm:
            normalise_spectrum(self, stream(seed, "discriminator.spectral_norm", 0))
