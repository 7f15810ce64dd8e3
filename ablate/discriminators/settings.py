"""The discriminators, with the defects of the source as switches."""

from __future__ import annotations

from pydantic import Field

from ablate.layers.settings import Norm
from ablate.settings import Settings


class DiscriminatorQuirks(Settings):
    """Defects of the source's discriminators, each off unless it is what is studied.

    `double_leaky_relu` applies LeakyReLU twice behind each norm (the source's single-scale discriminator).
    `sigmoid_logits` ends in a sigmoid where the loss expects logits.
    """

    double_leaky_relu: bool = False
    sigmoid_logits: bool = False


class DiscriminatorSettings(Settings):
    """The multi-scale patch discriminator: `scales` copies, each on an image pooled once more."""

    scales: int = Field(3, ge=1, le=5)
    width: int = Field(64, ge=4)
    layers: int = Field(4, ge=1, le=6)
    norm: Norm = "instance"
    spectral_norm: bool = False
    quirks: DiscriminatorQuirks = DiscriminatorQuirks()
