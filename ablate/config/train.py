"""How long, by which optimizers and in which numeric form a cell is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ablate.config.terms import DistortionTerm
from ablate.settings import Settings, added
from ablate.terms import Term


class TrainQuirks(Settings):
    """Defects of the source's training, each off unless it is what is studied.

    `unpaired_batches` steps the discriminators on other crops than the generator. `coarse_untrained` adds no coarse
    discriminator's loss, so that those stay as they were drawn and matter through feature matching alone, whatever
    `loss.generator_scales` is.
    """

    unpaired_batches: bool = False
    coarse_untrained: bool = False


class Adam(Settings):
    """Settings of one Adam optimizer."""

    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)


class Optimizers(Settings):
    """One optimizer for encoder, quantizer and generator, one for the discriminator; and one for the warm-up."""

    generator: Adam = Adam()
    discriminator: Adam = Adam()
    warmup: Adam = Adam(learning_rate=1e-3, beta1=0.9)


class Train(Settings):
    """How long and in which numeric form a cell is trained.

    `warmup_steps` of distortion-only training come before the `steps` of adversarial training; cells that begin
    alike share them. The adversarial terms and the discriminators wait for `discriminator_start` of these steps. Of
    several `discriminator_steps` a step, all but the first have a batch of their own. Whichever player goes first,
    both see one forward pass of the codec. `stop_at` ends the training early, as the beginning of one of `steps`: what
    depends on how long a training is, such as a schedule, is that of the whole.
    """

    steps: int = Field(1000, ge=1)
    stop_at: int | None = added("0.2", None, ge=1)
    warmup_steps: int = Field(0, ge=0)
    warmup_decay: Literal["cosine", "none"] = "cosine"
    warmup_distortion: DistortionTerm = Field(Term(name="mse"), validate_default=True)
    discriminator_start: int = Field(0, ge=0)
    discriminator_steps: int = Field(1, ge=1, le=20)
    order: Literal["discriminator_first", "generator_first"] = "discriminator_first"
    quirks: TrainQuirks = TrainQuirks()
    ema_decay: float = Field(0.999, ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    log_every: int = Field(25, ge=1)
    checkpoint_every: int = Field(250, ge=1)

    @property
    def end(self) -> int:
        """The step that the training ends at."""
        return self.stop_at or self.steps

    @model_validator(mode="after")
    def _stops_before_its_end(self) -> Train:
        if self.stop_at is not None and self.stop_at >= self.steps:
            raise ValueError(
                f"train.stop_at = {self.stop_at} stops no training of train.steps = {self.steps} early; leave it out"
            )
        return self
