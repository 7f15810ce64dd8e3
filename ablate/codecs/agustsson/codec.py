"""The codec of Agustsson et al.: encoder, quantizer and generator as one module, for images of any size."""

from __future__ import annotations

import torch
from torch import Tensor

from ablate.codecs.agustsson import bitstream
from ablate.codecs.agustsson.networks import Networks, require_size
from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.agustsson.tiles import Tiles
from ablate.codecs.codec import NOTHING, Reconstruction, Side, Symbols
from ablate.layers.padding import pad_to_multiple
from ablate.pixels import to_float, to_uint8

STRIP = 1 << 16
"""Latents that are quantized at once."""


class AgustssonCodec(Networks):
    """Everything the generator's optimizer trains.

    image -> encoder -> latent -> quantizer -> w_hat -+-> generator -> reconstruction
                                          noise ------+
                          label map -> map encoder ---+

    A selective codec sends symbols of the kept blocks alone, and the generator is given 0 for all others.
    """

    quantizer: Quantizer

    def __init__(self, settings: AgustssonSettings) -> None:
        super().__init__(settings, quantizer=Quantizer(settings.quantizer, settings.quirks))

    def forward(self, image: Tensor, random: torch.Generator | None = None, side: Side = NOTHING) -> Reconstruction:
        """Reconstructs crops; a codec without a noise branch draws nothing from `random`."""
        latent = self.encoder(image).float()
        values, symbols = self.quantizer(latent)
        if side.kept is not None:
            values = values * side.kept[:, None]
        return Reconstruction(self.generate(values, random, side), symbols, latent)

    def encode(self, image: Tensor, side: Side = NOTHING) -> bytes:
        """Returns the content of a file for an image, uint8 (3, H, W), in tiles where it is large."""
        size = (image.shape[1], image.shape[2])
        tiles = Tiles.of(self, size, self.device)
        if tiles:
            strips = tiles.latent(image).split(max(1, STRIP // -(-size[1] // self.stride)), dim=-2)
            symbols = torch.cat([self.quantizer.send(strip) for strip in strips], dim=-2)[0].cpu()
        else:
            symbols = self.compress(to_float(image[None].to(self.device)))[0].cpu()
        if side.kept is not None:
            symbols = symbols[:, side.kept[0].cpu()][:, None]
            if not symbols.numel():
                bitstream.require_sides(size)
                return bitstream.HEADER.pack(*size, 0)
        return bitstream.encode(symbols.numpy(), levels=self.settings.quantizer.levels, size=size)

    def decode(self, content: bytes, random: torch.Generator, side: Side = NOTHING) -> Tensor:
        """Returns the image, uint8 (3, H, W), of the content of a file, in tiles where it is large."""
        size = bitstream.read_size(content)
        require_size(side, size, self.stride)
        symbols = self.symbols(content, side).values
        tiles = Tiles.of(self, size, self.device)
        if tiles:
            return tiles.image(symbols[None], size, random, self.quantizer.dequantize)
        return to_uint8(self.decompress(symbols[None].to(self.device), size, random, side)[0]).cpu()

    def symbols(self, content: bytes, side: Side = NOTHING) -> Symbols:
        """Returns the symbols that a file holds: (C, h, w), or (C, 1, n) of n blocks that are kept, row by row."""
        rows, columns = (-(-each // self.stride) for each in bitstream.read_size(content))
        levels, channels = self.settings.quantizer.levels, self.settings.channels
        if side.kept is not None:
            rows, columns = 1, int(side.kept.sum())
            if columns == 0 and len(content) == bitstream.HEADER.size:
                return Symbols(torch.empty(channels, 1, 0, dtype=torch.uint8), levels)
        read = bitstream.decode(content, levels=levels, shape=(channels, rows, columns))
        return Symbols(torch.from_numpy(read), levels)

    def compress(self, image: Tensor) -> Tensor:
        """Returns the symbols, uint8 (N, C, h, w), of images of any size (reflect-padded to the stride).

        Raises:
            ValueError: where a latent is NaN.
        """
        return self.quantizer.send(self.encoder(pad_to_multiple(image, self.stride)).float())

    def decompress(
        self, symbols: Tensor, size: tuple[int, int], random: torch.Generator | None = None, side: Side = NOTHING
    ) -> Tensor:
        """Returns the images (N, 3, *size) in [-1, 1] of symbols that `compress` gave for that size.

        With a mask they are those of the kept blocks, (1, C, 1, n), of one image.
        """
        values = self.quantizer.dequantize(symbols)
        if side.kept is not None:
            kept = side.kept[0].to(values.device)
            whole = values.new_zeros(1, values.shape[1], *kept.shape)
            whole[:, :, kept] = values[:, :, 0]
            values = whole
        image = self.generate(values, random, side)
        return image[..., : size[0], : size[1]]
