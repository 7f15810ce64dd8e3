"""Protocol of a codec, and the base of those that are trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Symbols(NamedTuple):
    """The symbols of a file: `values` uint8 (C, h, w), all below `levels`."""

    values: Tensor
    levels: int


class Codec(Protocol):
    """Images to files and back; images are uint8 RGB (3, H, W) on the CPU."""

    def encode(self, image: Tensor) -> bytes:
        """Returns the whole file of an image."""

    def decode(self, file: bytes) -> Tensor:
        """Returns the image of a file; raises ValueError for anything but a whole file of this codec."""

    def symbols(self, file: bytes) -> Symbols | None:
        """Returns the symbols that a file holds, None where it holds none of a few levels; raises as `decode`."""


class Reconstruction(NamedTuple):
    """Output of a forward pass in training; None where a codec has no such thing."""

    image: Tensor
    """(N, 3, H, W) in [-1, 1]."""
    symbols: Tensor | None = None
    """The integers that are sent, (N, C, h, w)."""
    latent: Tensor | None = None
    """Before quantization, (N, C, h, w)."""
    rate: Tensor | None = None
    """Bits per pixel by an entropy model's estimate, the mean over the batch: a scalar to be minimised."""
    values: Tensor | None = None
    """What the generator was given in place of symbols, (N, C, h, w), without a gradient."""

    @property
    def sent(self) -> Tensor | None:
        """What was sent, for discriminators that look at it: the symbols, or values where there are none."""
        return self.values if self.symbols is None else self.symbols


class Side(NamedTuple):
    """What a codec is given beside images: side information, which its files hold too."""

    labels: Tensor | None = None
    """The class of each pixel, uint8 (N, H, W)."""
    kept: Tensor | None = None
    """Which blocks of latents are sent, bool (N, h, w); all where it is None."""

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return any(each is not None for each in self)

    def first(self) -> Side:
        """Returns that of the first image alone."""
        return Side(*(None if each is None else each[:1] for each in self))


NOTHING = Side()
"""No side information."""


class TrainableCodec(nn.Module, ABC):
    """The networks of a codec: what the generator's optimizer trains, and what they make of whole images.

    `encode` and `decode` run in evaluation mode without gradients. What they write and read is the content of a file;
    the file itself names the weights and has a checksum, of which the codec need not know.
    """

    noisy = False
    """True where reconstructions depend on the random stream."""
    takes_labels = False
    """True where `forward`, `encode`, `decode` and `symbols` take a label map in a last argument, `side`."""
    takes_mask = False
    """True where they take there which blocks of latents are sent."""
    stride = 1
    """The side of such a block, in pixels."""

    @property
    def takes_side(self) -> bool:
        """Whether there is any side information."""
        return self.takes_labels or self.takes_mask

    @abstractmethod
    def forward(self, image: Tensor, random: torch.Generator) -> Reconstruction:
        """Reconstructs crops, float (N, 3, H, W) in [-1, 1], of sides that are multiples of the registered stride."""

    @abstractmethod
    def encode(self, image: Tensor) -> bytes:
        """Returns the content of a file for an image, uint8 (3, H, W), of any size, its size included."""

    @abstractmethod
    def decode(self, content: bytes, random: torch.Generator) -> Tensor:
        """Returns the image, uint8 (3, H, W) on the CPU, of the content of a file.

        Raises:
            ValueError: for what `encode` never wrote.
        """

    def initialise(self, seed: int) -> None:
        """Draws the weights; those that torch has drawn, from a stream of the seed, stay unless this is overridden."""

    def symbols(self, content: bytes) -> Symbols | None:  # noqa: ARG002
        """Returns the symbols that a file holds, or None for a codec that sends no symbols of a few levels."""
        return None

    def parts(self) -> dict[str, nn.Module]:
        """Returns the parts whose weights are counted; the gradient of an "encoder" is watched."""
        return {"codec": self}

    @property
    def last_layer(self) -> Tensor:
        """The weights of the layer that gives the image, at which adaptive weights compare gradients."""
        return [weight for weight in self.parameters() if weight.ndim > 1][-1]
