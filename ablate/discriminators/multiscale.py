"""One discriminator for each scale of an image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ablate.discriminators.discriminator import Discriminator, DiscriminatorOutput
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.initial import initialise
from ablate.layers.padding import average_pool_same
from ablate.rng import stream

OneScale = Callable[[DiscriminatorSettings], nn.Module]
"""Makes the discriminator of one scale: (image, symbols) -> logits and the features of each layer."""


class MultiScaleDiscriminator(Discriminator, nn.ModuleList):
    """One discriminator a scale, each on an image pooled once more; the first sees full resolution."""

    def __init__(self, settings: DiscriminatorSettings, one: OneScale) -> None:
        super().__init__(one(settings) for _ in range(settings.scales))
        self.scales = settings.scales
        self.spectral_norm = settings.spectral_norm

    def forward(self, image: Tensor, symbols: Tensor | None = None) -> DiscriminatorOutput:
        """Looks at images (N, 3, H, W); `symbols` (N, C, h, w) are what the codec sent of them."""
        logits, features = [], []
        x = image
        for i, scale in enumerate(self):
            if i > 0:
                x = average_pool_same(x)
            scale_logits, scale_features = scale(x, symbols)
            logits.append(scale_logits)
            features.append(scale_features)
        return DiscriminatorOutput(tuple(logits), tuple(features))

    def initialise(self, seed: int) -> None:
        """Draws each scale's weights from a stream of its own, so that one scale more shifts no other."""
        for i, scale in enumerate(self):
            initialise(scale, stream(seed, "discriminator.init", i))
            if self.spectral_norm:
                normalise_spectrum(scale, stream(seed, "discriminator.spectral_norm", i))


def normalise_spectrum(module: nn.Module, generator: torch.Generator) -> None:
    """Puts spectral norm on every convolution; its first singular vectors are drawn from `generator`."""
    for layer in [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(1 << 62, (), generator=generator)))
            spectral_norm(layer)
