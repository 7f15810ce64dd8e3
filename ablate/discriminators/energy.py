"""The discriminator that is an autoencoder: what it reproduces badly is no image."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F

from ablate.discriminators.discriminator import Features
from ablate.discriminators.patch import Trunk
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.norm import norm
from ablate.layers.padding import SameConv2d, SameConvTranspose2d


class EnergyDiscriminator(nn.Module):
    """The trunk, a bottleneck of `width` channels, and a decoder that mirrors the trunk (BEGAN, EBGAN).

    Its logit of a patch is minus its energy, the mean absolute error |D(v) - v| over the patch's pixels and channels
    (Berthelot et al. 2017, section 3.1, eta = 1; Zhao et al. 2017, equation 3), so that "higher says image" as with any
    other discriminator. At the source's width and four layers 64 numbers stand for 768 of a patch.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        self.trunk = Trunk(settings)
        self.bottleneck = SameConv2d(self.trunk.widths[-1], settings.width, 3)
        widths = [settings.width, *reversed(self.trunk.widths[:-1]), settings.width]
        self.decoder = nn.Sequential()
        for wide, narrow in itertools.pairwise(widths):
            self.decoder.extend([SameConvTranspose2d(wide, narrow, 3), norm(settings.norm, narrow), nn.LeakyReLU(0.2)])
        self.image = SameConv2d(settings.width, 3, 3)
        self.patch = 2**settings.layers

    def forward(self, image: Tensor, _symbols: Tensor | None = None) -> tuple[Tensor, Features]:
        """Returns minus the energy of each patch (N, 1, h, w) and the features of each layer of the trunk."""
        features = self.trunk(image)
        height, width = image.shape[-2:]
        decoded = self.image(self.decoder(self.bottleneck(features[-1])))[..., :height, :width]
        # Energies are compared with each other: in bfloat16 they would be too, but for the image's alone.
        error = (decoded.float() - image.float()).abs().mean(1, keepdim=True)
        return -F.avg_pool2d(error, self.patch, ceil_mode=True, count_include_pad=False), features
