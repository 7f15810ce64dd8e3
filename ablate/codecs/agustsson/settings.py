"""The codec of Agustsson et al., with the defects of the source as switches."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ablate.layers.code import Code
from ablate.layers.labels import VOID
from ablate.layers.settings import Norm
from ablate.settings import Settings, added


class QuantizerSettings(Settings):
    """Quantizer of a latent to one of `levels` symbols (paper, sections 3.1 and 4; soft backward of Mentzer et al.)."""

    levels: int = Field(5, ge=2, le=64)
    centers: Literal["fixed", "learned"] = "fixed"
    temperature: float = Field(1.0, gt=0)


Prior = Literal["none", "factorized", "hyperprior", "context"]
Rounding = Literal["noise", "mixed", "straight_through"]


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


class AgustssonSettings(Settings):
    """Encoder, quantizer and generator; the source's shape is width 60, 4 downsamplings, 9 residual blocks.

    `prior` models the distribution of the latent, so that its bits are learned: "factorized" by channel, "hyperprior"
    by side information of `prior_width` channels, "context" also by the channels before. Latents are then whole
    numbers, and `quantizer` is not used. `rounding` is what training puts in place of rounding.

    With `map_classes` the generator is given the image's label map beside the latent, through an encoder of its own,
    and files hold the map (paper, section 3.2).

    A `selective` codec sends the latents of a region alone, which a mask in the file tells; the rest is made up
    (section 3.3). It is trained on random regions, where alone the distortion is taken: a quarter of the label map's
    instances, or a box.
    """

    channels: Literal[2, 4, 8, 16, 32, 64, 128, 192, 220] = 8
    width: int = Field(60, ge=4)
    downsamplings: int = Field(4, ge=1, le=6)
    residual_blocks: int = Field(9, ge=0)
    norm: Norm = "instance"
    latent_norm: Literal["instance", "batch", "none"] = "instance"
    noise: bool = False
    noise_channels: int = Field(128, ge=1)
    quantizer: QuantizerSettings = QuantizerSettings()
    quirks: ModelQuirks = ModelQuirks()
    prior: Prior = added("0.2", "none")
    prior_width: int = added("0.2", 32, ge=1)
    rounding: Rounding = added("0.2", "mixed")
    map_classes: int = added("0.2", 0, ge=0, le=VOID)
    selective: Literal["none", "random_instance", "random_box"] = added("0.2", "none")


def has_rate(settings: AgustssonSettings) -> bool:
    """Returns whether the codec estimates its rate while training."""
    return settings.prior != "none"


def stride(settings: AgustssonSettings) -> int:
    """Returns the pixels a side that one latent stands for."""
    return 2**settings.downsamplings


def code(settings: AgustssonSettings) -> Code:
    """Returns the shape of what is sent of an image; with an entropy model its numbers have no bound."""
    levels = settings.quantizer.levels if settings.prior == "none" else None
    return Code(settings.channels, levels, stride(settings))


def check(settings: AgustssonSettings, crop: int, batch_size: int) -> None:
    """Refuses crops on which nothing could be learned, and quantizers that would lose their centers.

    Raises:
        ValueError: where that is so.
    """
    require_whole_latents(settings, crop)
    pixels = stride(settings)
    if settings.prior != "none":
        _check_prior(settings)
    per_channel = batch_size * (crop // pixels) ** 2
    if settings.latent_norm == "batch" and per_channel < 16:
        raise ValueError(
            f'model.latent_norm = "batch" has {per_channel} latents a channel to take statistics over; raise '
            "data.batch_size or data.crop until there are 16"
        )
    instance = [key for key in ("norm", "latent_norm") if getattr(settings, key) == "instance"]
    if crop == pixels and instance:
        raise ValueError(
            f'at data.crop = {crop} the latent is one pixel, which model.{instance[0]} = "instance" makes constant, so '
            "that nothing of a crop is coded; take a larger crop, fewer model.downsamplings or another norm"
        )
    levels = settings.quantizer.levels
    if settings.quirks.round_kills_encoder and levels % 2 == 0:
        raise ValueError(
            f"model.quirks.round_kills_encoder rounds centers, and those of model.quantizer.levels = {levels} lie "
            "between whole numbers; take an odd number of levels"
        )


def require_whole_latents(settings: AgustssonSettings, crop: int) -> None:
    """Refuses crops that are no whole number of latents.

    Raises:
        ValueError: for these.
    """
    pixels = stride(settings)
    if crop % pixels:
        raise ValueError(
            f"data.crop = {crop} must be a multiple of {pixels} (model.downsamplings = {settings.downsamplings})"
        )


def _check_prior(settings: AgustssonSettings) -> None:
    """Refuses what an entropy model leaves without a meaning."""
    model = f'model.prior = "{settings.prior}"'
    if settings.selective != "none":
        raise ValueError(
            f'{model} codes latents of whole images, and model.selective = "{settings.selective}" sends those of a '
            'region; set one of them to "none"'
        )
    if settings.latent_norm != "none":
        raise ValueError(
            f'{model} learns how large latents are, which model.latent_norm = "{settings.latent_norm}" fixes; '
            'set it to "none"'
        )
    if settings.quantizer != QuantizerSettings() or settings.quirks != ModelQuirks():
        raise ValueError(
            f"{model} sends whole numbers, and model.quantizer and model.quirks are of the quantizer with levels; "
            "leave them at their defaults"
        )
