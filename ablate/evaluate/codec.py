"""Codecs as an evaluation sees them: images to files and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ablate.codecs.agustsson.bitstream import decode, read_header
from ablate.trained import TrainedCodec


class Symbols(NamedTuple):
    """The symbols of a file: `values` uint8 (C, h, w), all below `levels`."""

    values: Tensor
    levels: int


class MeasuredCodec(Protocol):
    """Images, uint8 RGB (3, H, W) on the CPU, to files and back."""

    def encode(self, image: Tensor) -> bytes:
        """Returns the whole file of an image."""

    def decode(self, file: bytes) -> Tensor:
        """Returns the image of a file."""

    def symbols(self, file: bytes) -> Symbols | None:
        """Returns the symbols that a file holds, None for a codec that sends none of a few levels."""


@dataclass(frozen=True)
class Files:
    """A trained codec by its files."""

    codec: TrainedCodec

    def encode(self, image: Tensor) -> bytes:
        """Returns the whole file of an image."""
        return self.codec.compress(image)

    def decode(self, file: bytes) -> Tensor:
        """Returns the image of a file."""
        return self.codec.decompress(file)

    def symbols(self, file: bytes) -> Symbols | None:
        """Returns the symbols that a file holds."""
        header, model, stride = read_header(file), self.codec.cell.model, self.codec.codec.stride
        shape = (model.channels, -(-header.height // stride), -(-header.width // stride))
        levels = model.quantizer.levels
        return Symbols(torch.from_numpy(decode(file, levels=levels, shape=shape)), levels)
