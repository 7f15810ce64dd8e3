"""The codec of Agustsson et al.: encoder, quantizer and generator as one module, for images of any size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson import bitstream, settings
from ablate.codecs.agustsson.encoder import Encoder
from ablate.codecs.agustsson.generator import Generator
from ablate.codecs.agustsson.noise import NoiseBranch
from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.agustsson.tiles import Tiles
from ablate.codecs.codec import Reconstruction, Symbols, TrainableCodec
from ablate.layers.initial import initialise
from ablate.layers.padding import pad_to_multiple
from ablate.pixels import to_float, to_uint8
from ablate.plugins import codec
from ablate.rng import stream


@codec(
    source="Agustsson et al. 2019, ICCV, without semantic maps",
    code=settings.code,
    settings=tuple(AgustssonSettings.model_fields),
    check=settings.check,
)
def agustsson(settings: AgustssonSettings) -> TrainableCodec:
    """A generator that makes images of a few symbols, to which channels of noise may be added."""
    return AgustssonCodec(settings)


class AgustssonCodec(TrainableCodec):
    """Everything the generator's optimizer trains.

    image -> encoder -> latent -> quantizer -> w_hat -+-> generator -> reconstruction
                                          noise ------+
    """

    def __init__(self, settings: AgustssonSettings) -> None:
        super().__init__()
        self.settings = settings
        self.stride = 2**settings.downsamplings
        self.noisy = settings.noise
        self.encoder = Encoder(settings)
        self.quantizer = Quantizer(settings.quantizer, settings.quirks)
        self.noise = NoiseBranch(settings) if settings.noise else None
        self.generator = Generator(settings)

    def initialise(self, seed: int) -> None:
        """Draws the weights of encoder, noise branch and generator, each from a stream of its own."""
        for name in ("encoder", "noise", "generator"):
            module = getattr(self, name)
            if module is not None:
                initialise(module, stream(seed, f"{name}.init"))

    def forward(self, image: Tensor, random: torch.Generator | None = None) -> Reconstruction:
        """Reconstructs crops; a codec without a noise branch draws nothing from `random`."""
        latent = self.encoder(image).float()
        values, symbols = self.quantizer(latent)
        return Reconstruction(self._generate(values, random), symbols, latent)

    def encode(self, image: Tensor) -> bytes:
        """Returns the content of a file for an image, uint8 (3, H, W), in tiles where it is large."""
        size = (image.shape[1], image.shape[2])
        tiles = Tiles.of(self, size, self._device)
        symbols = tiles.symbols(image) if tiles else self.compress(to_float(image[None].to(self._device)))[0].cpu()
        return bitstream.encode(symbols.numpy(), levels=self.settings.quantizer.levels, size=size)

    def decode(self, content: bytes, random: torch.Generator) -> Tensor:
        """Returns the image, uint8 (3, H, W), of the content of a file, in tiles where it is large."""
        size = bitstream.read_size(content)
        symbols = self.symbols(content).values
        tiles = Tiles.of(self, size, self._device)
        if tiles:
            return tiles.image(symbols, size, random)
        return to_uint8(self.decompress(symbols[None].to(self._device), size, random)[0]).cpu()

    def symbols(self, content: bytes) -> Symbols:
        """Returns the symbols that a file holds."""
        rows, columns = (-(-side // self.stride) for side in bitstream.read_size(content))
        levels = self.settings.quantizer.levels
        read = bitstream.decode(content, levels=levels, shape=(self.settings.channels, rows, columns))
        return Symbols(torch.from_numpy(read), levels)

    def compress(self, image: Tensor) -> Tensor:
        """Returns the symbols, uint8 (N, C, h, w), of images of any size (reflect-padded to the stride).

        Raises:
            ValueError: where a latent is NaN.
        """
        return self.quantizer.send(self.encoder(pad_to_multiple(image, self.stride)).float())

    def decompress(self, symbols: Tensor, size: tuple[int, int], random: torch.Generator | None = None) -> Tensor:
        """Returns the images (N, 3, *size) in [-1, 1] of symbols that `compress` gave for that size."""
        image = self._generate(self.quantizer.dequantize(symbols), random)
        return image[..., : size[0], : size[1]]

    def parts(self) -> dict[str, nn.Module]:
        """Returns encoder, generator and, where there is one, noise branch."""
        parts: dict[str, nn.Module] = {"encoder": self.encoder, "generator": self.generator}
        return parts if self.noise is None else {**parts, "noise": self.noise}

    @property
    def last_layer(self) -> Tensor:
        """The weights of the generator's last convolution."""
        return self.generator.last_layer.weight

    @property
    def _device(self) -> torch.device:
        return self.quantizer.centers.device

    def _generate(self, values: Tensor, random: torch.Generator | None) -> Tensor:
        if self.noise is None:
            return self.generator(values)
        assert random is not None, "a codec with a noise branch needs a generator to draw from"
        n, _, height, width = values.shape
        drawn = self.noise(self.noise.sample((n, height, width), random, values.device), (height, width))
        return self.generator(torch.cat([values, drawn], 1))
