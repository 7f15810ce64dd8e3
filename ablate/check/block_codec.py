"""A codec in integer arithmetic, which no machine and no change of the trained codecs moves."""

from __future__ import annotations

import torch
from torch import Tensor

from ablate.codecs.agustsson import bitstream
from ablate.codecs.codec import Symbols
from ablate.codecs.container import MODEL_BYTES, opened, seal

BLOCK = 8
LEVELS = 5


class BlockCodec:
    """Keeps the mean of each block, in five levels."""

    def encode(self, image: Tensor) -> bytes:
        """Returns the file of an image, uint8 (3, H, W), whose sides are multiples of the block's."""
        blocks = image.long().unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK)
        symbols = (blocks.sum((-1, -2)) // BLOCK**2 * LEVELS // 256).byte()
        size = (image.shape[1], image.shape[2])
        return seal(bitstream.encode(symbols.numpy(), levels=LEVELS, size=size), bytes(MODEL_BYTES))

    def decode(self, file: bytes) -> Tensor:
        """Returns the image of a file."""
        values = (self.symbols(file).values.long() * 2 + 1) * 256 // (2 * LEVELS)
        return values.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2).byte()

    def symbols(self, file: bytes) -> Symbols:
        """Returns the symbols of a file."""
        content = opened(file).content
        height, width = bitstream.read_size(content)
        shape = (3, height // BLOCK, width // BLOCK)
        return Symbols(torch.from_numpy(bitstream.decode(content, levels=LEVELS, shape=shape)), LEVELS)
