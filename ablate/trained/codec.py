"""A codec with its final weights: images to symbols, to files, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.codecs.agustsson.bitstream import decode, encode, read_header
from ablate.codecs.agustsson.codec import Codec
from ablate.codecs.agustsson.tiles import Tiles
from ablate.config import Cell
from ablate.networks.exact import exact
from ablate.pixels import to_float, to_uint8
from ablate.rng import stream


class WrongModelError(ValueError):
    """A file that other weights have written than those that shall read it."""


@dataclass(frozen=True, eq=False)
class TrainedCodec:
    """A cell's codec, float32 and in evaluation mode, on `device`; `model_id` is what its files name it by.

    All that it does is a function of the weights, the image or file, and the machine: on one machine every bit is
    the same in each process, with any number of threads. Another processor may sum in another order; a file made
    there is read right all the same, since its symbols are whole numbers, and its image differs where a value lay
    on the edge between two levels.
    """

    cell: Cell
    codec: Codec
    model_id: bytes
    device: str = "cpu"

    def compress(self, image: Tensor) -> bytes:
        """Returns the file of an image, uint8 (3, H, W), of any size."""
        height, width = image.shape[1:]
        symbols = self.symbols(image)
        levels = self.cell.model.quantizer.levels
        return encode(symbols.numpy(), levels=levels, height=height, width=width, model=self.model_id)

    def decompress(self, file: bytes) -> Tensor:
        """Returns the image, uint8 (3, H, W), of a file that `compress` made.

        Raises:
            WrongModelError: for a file of other weights.
            ValueError: for a file that is truncated, altered or none of this codec.
        """
        header = read_header(file)
        if header.model != self.model_id:
            raise WrongModelError(
                f"the file was written by the model {header.model.hex()}, and this is the model {self.model_id.hex()}"
            )
        rows, columns = (-(-side // self.codec.stride) for side in (header.height, header.width))
        shape = (self.cell.model.channels, rows, columns)
        symbols = decode(file, levels=self.cell.model.quantizer.levels, shape=shape)
        return self.image(torch.from_numpy(symbols), (header.height, header.width))

    def symbols(self, image: Tensor) -> Tensor:
        """Returns the symbols, uint8 (C, h, w), of an image, uint8 (3, H, W)."""
        with torch.inference_mode(), exact(torch.device(self.device)):
            tiles = Tiles.of(self.codec, self.cell.model, (image.shape[1], image.shape[2]), self.device)
            if tiles is not None:
                return tiles.symbols(image)
            return self.codec.compress(to_float(image[None].to(self.device)))[0].cpu()

    def image(self, symbols: Tensor, size: tuple[int, int]) -> Tensor:
        """Returns the image, uint8 (3, *size), of symbols, uint8 (C, h, w)."""
        # Each image has the same noise: what a file means may not depend on what was read before it.
        noise = stream(self.cell.seed, "evaluation.noise")
        with torch.inference_mode(), exact(torch.device(self.device)):
            tiles = Tiles.of(self.codec, self.cell.model, size, self.device)
            if tiles is not None:
                return tiles.image(symbols, size, noise)
            return to_uint8(self.codec.decompress(symbols[None].to(self.device), size, noise)[0]).cpu()
