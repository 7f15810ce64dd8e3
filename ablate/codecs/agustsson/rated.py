"""The encoder and generator of Agustsson et al. with an entropy model in place of a few fixed levels.

The content of a file, little-endian:

    bytes     content
    2 + 2     height and width of the image, in pixels
    4         crc32 of all whole numbers, int32, in the order of the entropy model
    4 * n     range coder's words
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.bitstream import HEADER, read_size, require_sides
from ablate.codecs.agustsson.memory import require_memory
from ablate.codecs.agustsson.networks import Networks, require_size
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.agustsson.tiles import Tiles
from ablate.codecs.codec import NOTHING, Reconstruction, Side
from ablate.codecs.entropy.priors import Prior, prior
from ablate.layers.padding import pad_to_multiple
from ablate.pixels import to_float, to_uint8


class RatedCodec(Networks):
    """Everything the generator's optimizer trains; `loss.lambda_r` weighs the bits per pixel that are estimated.

    image -> encoder -> latent -> entropy model -+-> generator -> reconstruction
                                          noise -+
    """

    prior: Prior
    APART = False
    """Whether means and scales are read from the side information by networks of their own."""

    def __init__(self, settings: AgustssonSettings) -> None:
        assert settings.prior != "none", "without an entropy model it is another codec"
        super().__init__(
            settings,
            prior=prior(
                settings.prior, settings.channels, settings.rounding, settings.prior_width, apart=type(self).APART
            ),
        )

    def forward(self, image: Tensor, random: torch.Generator | None = None, side: Side = NOTHING) -> Reconstruction:
        """Reconstructs crops, and estimates the bits per pixel."""
        latent = self.encoder(image).float()
        values, bits = self.prior(latent, random)
        rate = bits / (image.shape[0] * image.shape[2] * image.shape[3])
        return Reconstruction(self.generate(values, random, side), latent=latent, rate=rate, values=values.detach())

    def encode(self, image: Tensor, side: Side = NOTHING) -> bytes:  # noqa: ARG002 - what is sent hangs on no map
        """Returns the content of a file for an image, uint8 (3, H, W), in tiles where it is large."""
        size = (image.shape[1], image.shape[2])
        require_sides(size)
        tiles = self._tiles(size)
        if tiles:
            latent = tiles.latent(image)
        else:
            latent = self.encoder(pad_to_multiple(to_float(image[None].to(self.device)), self.stride))
        numbers, words = self.prior.write(latent.float())
        return HEADER.pack(*size, _crc(numbers)) + words

    def decode(self, content: bytes, random: torch.Generator, side: Side = NOTHING) -> Tensor:
        """Returns the image, uint8 (3, H, W), of the content of a file, in tiles where it is large."""
        size = read_size(content)
        require_size(side, size, self.stride)
        if (len(content) - HEADER.size) % 4:
            raise ValueError(f"{len(content)} bytes are no header of {HEADER.size} and whole words")
        crc = HEADER.unpack_from(content)[-1]
        tiles = self._tiles(size)
        shape = (-(-size[0] // self.stride), -(-size[1] // self.stride))
        numbers, values = self.prior.read(content[HEADER.size :], shape)
        if _crc(numbers) != crc:
            raise ValueError(f"decoded symbols have the checksum {_crc(numbers):08x}, the file says {crc:08x}")
        if tiles:
            return tiles.image(values, size, random, lambda each: each)
        image = self.generate(values.to(self.device), random, side)[0, :, : size[0], : size[1]]
        return to_uint8(image).cpu()

    def parts(self) -> dict[str, nn.Module]:
        """Returns encoder, generator, entropy model and, where there is one, noise branch."""
        return {**super().parts(), "prior": self.prior}

    def _tiles(self, size: tuple[int, int]) -> Tiles | None:
        """Returns the tiles for images of a size, None for one that is done as a whole.

        Raises:
            ValueError: where it does not fit: the entropy model takes all latents at once, in float64.
        """
        each = 128 * (self.settings.prior_width + self.settings.channels) / self.stride**2
        require_memory(each * math.prod(size), size, "cpu", "its entropy model takes all latents at once")
        return Tiles.of(self, size, self.device)


def _crc(numbers: Sequence[np.ndarray]) -> int:
    sum_so_far = 0
    for each in numbers:
        sum_so_far = zlib.crc32(np.ascontiguousarray(each, dtype="<i4").tobytes(), sum_so_far)
    return sum_so_far
