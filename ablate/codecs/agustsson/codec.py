"""The codec: encoder, quantizer and generator as one module, for images of any size."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.encoder import Encoder
from ablate.codecs.agustsson.generator import Generator
from ablate.codecs.agustsson.noise import NoiseBranch
from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.codecs.agustsson.settings import Model
from ablate.layers.padding import pad_to_multiple


class Reconstruction(NamedTuple):
    """`image` (N, 3, H, W) in [-1, 1]; `symbols` uint8 and `latent`, before quantization, (N, C, h, w)."""

    image: Tensor
    symbols: Tensor
    latent: Tensor


class Codec(nn.Module):
    """Everything the generator's optimizer trains.

    image -> encoder -> latent -> quantizer -> w_hat -+-> generator -> reconstruction
                                          noise ------+
    """

    def __init__(self, settings: Model) -> None:
        super().__init__()
        self.stride = 2**settings.downsamplings
        self.encoder = Encoder(settings)
        self.quantizer = Quantizer(settings.quantizer, settings.quirks)
        self.noise = NoiseBranch(settings) if settings.noise else None
        self.generator = Generator(settings)

    def forward(self, image: Tensor, noise: torch.Generator | None = None) -> Reconstruction:
        """Reconstructs images whose sides are multiples of the stride.

        Args:
            image: float (N, 3, H, W) in [-1, 1].
            noise: where the noise branch draws from; ignored by a codec without one.
        """
        latent = self.encoder(image).float()
        values, symbols = self.quantizer(latent)
        return Reconstruction(self._generate(values, noise), symbols, latent)

    def compress(self, image: Tensor) -> Tensor:
        """Returns the symbols, uint8 (N, C, h, w), of images of any size (reflect-padded to the stride)."""
        return self.quantizer(self.encoder(pad_to_multiple(image, self.stride)).float()).symbols

    def decompress(self, symbols: Tensor, size: tuple[int, int], noise: torch.Generator | None = None) -> Tensor:
        """Returns the images (N, 3, *size) in [-1, 1] of symbols that `compress` gave for that size."""
        image = self._generate(self.quantizer.dequantize(symbols), noise)
        return image[..., : size[0], : size[1]]

    def _generate(self, values: Tensor, noise: torch.Generator | None) -> Tensor:
        if self.noise is None:
            return self.generator(values)
        assert noise is not None, "a codec with a noise branch needs a generator to draw from"
        n, _, height, width = values.shape
        drawn = self.noise(self.noise.sample((n, height, width), noise, values.device), (height, width))
        return self.generator(torch.cat([values, drawn], 1))
