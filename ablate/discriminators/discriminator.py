"""Base of the discriminators, and their output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.code import Code

Option = float | int | bool | str
Features = tuple[Tensor, ...]
"""The features of each layer of one discriminator, from fine to coarse."""


class DiscriminatorOutput(NamedTuple):
    """Per scale, from fine to coarse, the raw logits (N, 1, h, w) and the features of each layer."""

    logits: tuple[Tensor, ...]
    features: tuple[Features, ...]


class Discriminator(nn.Module, ABC):
    """Tells images from reconstructions at one scale or several; a logit is higher for images."""

    scales = 1
    """For how many scales there are logits, from fine to coarse."""

    @abstractmethod
    def forward(self, image: Tensor, symbols: Tensor | None = None) -> DiscriminatorOutput:
        """Looks at images (N, 3, H, W) in [-1, 1]; `symbols` (N, C, h, w) are what the codec sent of them.

        Where the kind is registered with `maps`, `map_classes` channels of a label map may follow the image's.
        """

    def initialise(self, seed: int) -> None:
        """Draws the weights; those that torch has drawn, from a stream of the seed, stay unless this is overridden."""


class DiscriminatorFactory(Protocol):
    """Builds discriminators by the settings and the kind's options.

    `code` is the shape of the symbols, None where a codec sends none.
    """

    def __call__(self, settings: DiscriminatorSettings, code: Code | None, **options: Option) -> Discriminator:
        """Returns them, with weights yet to be drawn."""
