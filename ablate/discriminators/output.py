"""What discriminators say of images."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

Features = tuple[Tensor, ...]
"""The features of each layer of one discriminator, from fine to coarse."""


class DiscriminatorOutput(NamedTuple):
    """What the discriminators say of images: per scale the raw logits (N, 1, h, w) and the features of each layer."""

    logits: tuple[Tensor, ...]
    features: tuple[Features, ...]
