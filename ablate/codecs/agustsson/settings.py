"""The codec of Agustsson et al., with the defects of the source as switches."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ablate.layers.code import Code
from ablate.layers.settings import Norm
from ablate.settings import Settings


class Quantizer(Settings):
    """How a latent becomes one of `levels` symbols (paper, sections 3.1 and 4; soft backward of Mentzer et al.)."""

    levels: int = Field(5, ge=2, le=64)
    centers: Literal["fixed", "learned"] = "fixed"
    temperature: float = Field(1.0, gt=0)


class ModelQuirks(Settings):
    """Defects of the source's codec, each off unless it is what is studied.

    `round_kills_encoder` rounds the quantizer's output, so that no gradient reaches the encoder. `l1_dead_zone`
    assigns by absolute distance, so that a latent beyond the outermost center gets no gradient.
    `relu_before_quantizer` ends the encoder in a ReLU, so that no center below zero is ever used. `noise_batch_norm`
    normalises the noise branch over the batch, which makes it blind to its noise at batch 1.
    """

    round_kills_encoder: bool = False
    l1_dead_zone: bool = False
    relu_before_quantizer: bool = False
    noise_batch_norm: bool = False


class Model(Settings):
    """Encoder, quantizer and generator; the source's shape is width 60, 4 downsamplings, 9 residual blocks."""

    channels: Literal[2, 4, 8, 16] = 8
    width: int = Field(60, ge=4)
    downsamplings: int = Field(4, ge=1, le=6)
    residual_blocks: int = Field(9, ge=0)
    norm: Norm = "instance"
    latent_norm: Literal["instance", "batch", "none"] = "instance"
    noise: bool = False
    noise_channels: int = Field(128, ge=1)
    quantizer: Quantizer = Quantizer()
    quirks: ModelQuirks = ModelQuirks()

    @property
    def code(self) -> Code:
        """What is sent of an image."""
        return Code(self.channels, self.quantizer.levels, 2**self.downsamplings)
