"""The noise branch: Gaussian noise to channels beside the latent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.layers.norm import BatchNormOfVectors, ChannelNorm
from ablate.layers.padding import ReflectConv2d, SameConvTranspose2d
from ablate.rng import to_device


class NoiseBranch(nn.Module):
    """Noise v ~ N(0, I) through three transposed convolutions to C channels at the latent's size.

    The source grows one vector to a fixed 32 x 64 and normalises over the batch, which makes the branch blind to its
    noise at batch 1. Here every 8 x 8 block of latents has a vector of its own, so that any size works, and channel
    norm takes the place of batch norm, so that any batch works. The quirk `noise_batch_norm` brings batch norm back.
    """

    BLOCK = 8

    def __init__(self, settings: AgustssonSettings) -> None:
        super().__init__()
        self.noise_channels = settings.noise_channels
        first = BatchNormOfVectors if settings.quirks.noise_batch_norm else ChannelNorm
        self.seed = nn.Sequential(nn.Conv2d(settings.noise_channels, 256, 1), nn.ReLU(), first(256))
        grow: list[nn.Module] = []
        for inputs, outputs in ((256, 128), (128, 64), (64, 32)):
            grow += [SameConvTranspose2d(inputs, outputs, 5), nn.ReLU(), ChannelNorm(outputs)]
        self.grow = nn.Sequential(*grow, ReflectConv2d(32, settings.channels, 7))

    def sample(self, size: tuple[int, int, int], generator: torch.Generator, device: torch.device) -> Tensor:
        """Draws the noise for a latent of `size` (N, h, w), on the CPU so that devices agree."""
        n, height, width = size
        blocks = (-(-height // self.BLOCK), -(-width // self.BLOCK))
        return to_device(torch.randn(n, self.noise_channels, *blocks, generator=generator), device)

    def forward(self, noise: Tensor, size: tuple[int, int]) -> Tensor:
        """Maps noise (N, noise_channels, ceil(h / 8), ceil(w / 8)) to (N, C, h, w)."""
        return self.grow(self.seed(noise))[..., : size[0], : size[1]]
