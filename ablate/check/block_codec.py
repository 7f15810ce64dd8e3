"""A codec in integer arithmetic, which no machine and no change of the trained codecs moves."""

from __future__ import annotations

import torch
from torch import Tensor

from ablate.codecs.agustsson.bitstream import MODEL_BYTES, decode, encode, read_header
from ablate.evaluate.codec import Symbols

BLOCK = 8
LEVELS = 5


class BlockCodec:
    """Keeps the mean of each block of an image, uint8 (3, H, W), in five levels; sides are multiples of a block."""

    def encode(self, image: Tensor) -> bytes:
        """Returns the file of an image."""
        blocks = image.long().unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK)
        symbols = (blocks.sum((-1, -2)) // BLOCK**2 * LEVELS // 256).to(torch.uint8)
        height, width = image.shape[1:]
        return encode(symbols.numpy(), levels=LEVELS, height=height, width=width, model=bytes(MODEL_BYTES))

    def decode(self, file: bytes) -> Tensor:
        """Returns the image of a file."""
        pixels = (self.symbols(file).values.long() * 2 + 1) * 256 // (2 * LEVELS)
        return pixels.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2).to(torch.uint8)

    def symbols(self, file: bytes) -> Symbols:
        """Returns the symbols of a file."""
        header = read_header(file)
        shape = (3, header.height // BLOCK, header.width // BLOCK)
        return Symbols(torch.from_numpy(decode(file, levels=LEVELS, shape=shape)), LEVELS)
