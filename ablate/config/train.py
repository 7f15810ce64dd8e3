"""How long, by which optimizers and in which numeric form a cell is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ablate.config.terms import DistortionTerm
from ablate.limits import Range
from ablate.settings import NOT_IDENTITY, Settings, added
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
    """Settings of one optimizer.

    `weight_decay` is added to the gradients by "adam", and shrinks the weights apart from them by "adamw" (Loshchilov
    and Hutter 2019). `clip_norm` is the largest norm that all gradients together may have; at 0 none is clipped.
    """

    name: Literal["adam", "adamw"] = added("0.2", "adam")
    learning_rate: Annotated[float, Range(2e-5, 2e-3, "log")] = Field(2e-4, gt=0)
    beta1: Annotated[float, Range(0.0, 0.9)] = Field(0.5, ge=0, lt=1)
    beta2: Annotated[float, Range(0.9, 0.999)] = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)
    weight_decay: float = added("0.2", 0.0, ge=0)
    clip_norm: float = added("0.2", 0.0, ge=0)

    @model_validator(mode="after")
    def _decay_is_what_adamw_is_for(self) -> Adam:
        if self.name == "adamw" and not self.weight_decay:
            raise ValueError(
                'an optimizer with name = "adamw" differs from "adam" in its weight decay alone, and weight_decay = 0; '
                'give it one, or set name = "adam"'
            )
        return self


class ScheduledAdam(Adam):
    """Settings of a player's optimizer, whose rate may change over the player's own steps.

    It rises in a line over `warmup_steps`, then stays, or falls to 0 at the end of the training.
    """

    schedule: Literal["constant", "linear", "cosine"] = added("0.2", "constant")
    warmup_steps: int = added("0.2", 0, ge=0)


class Optimizers(Settings):
    """One optimizer for encoder, quantizer and generator, one for the discriminator; and one for the warm-up."""

    generator: ScheduledAdam = ScheduledAdam()
    discriminator: ScheduledAdam = ScheduledAdam()
    warmup: Adam = Adam(learning_rate=1e-3, beta1=0.9)


class Start(Settings):
    """Weights that a codec starts from in place of drawn ones: of a file, or of a cell of the same store.

    `file` is relative to the grid file, in safetensors' form or torch's, and no part of the identity: its `sha256` is.
    """

    file: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="the 64 hex digits of the file's sha256")
    cell: str | None = Field(None, pattern="^[0-9a-f]{12}$", description="the 12 hex digits of a cell's id")

    @property
    def given(self) -> bool:
        """Whether there are such weights."""
        return self.sha256 is not None or self.cell is not None

    @model_validator(mode="after")
    def _one_source(self) -> Start:
        if self.cell is not None and (self.file is not None or self.sha256 is not None):
            raise ValueError("train.start takes a cell, or a file with its sha256, and not both")
        if (self.file is None) != (self.sha256 is None):
            absent = "sha256" if self.sha256 is None else "file"
            raise ValueError(f"train.start names a file by file and sha256, and {absent} is missing")
        return self


class Train(Settings):
    """How long and in which numeric form a cell is trained.

    `warmup_steps` of distortion-only training come before the `steps` of adversarial training; cells that begin
    alike share them. The adversarial terms and the discriminators wait for `discriminator_start` of these steps. Of
    several `discriminator_steps` a step, all but the first have a batch of their own. Whichever player goes first,
    both see one forward pass of the codec. `stop_at` ends the training early, as the beginning of one of `steps`: what
    depends on how long a training is, such as a schedule, is that of the whole. An adversarial step looks at
    `accumulate` batches, over which each player's gradients are averaged. What a loss or a penalty remembers
    (began's k, lecam's averages) moves with each of them, so many times a step.
    """

    steps: int = Field(1000, ge=1)
    stop_at: int | None = added("0.2", None, ge=1)
    start: Start = added("0.2", Start())
    warmup_steps: int = Field(0, ge=0)
    warmup_decay: Literal["cosine", "none"] = "cosine"
    warmup_distortion: DistortionTerm = Field(Term(name="mse"), validate_default=True)
    discriminator_start: int = Field(0, ge=0)
    discriminator_steps: int = Field(1, ge=1, le=20)
    accumulate: int = added("0.2", 1, ge=1, le=1024)
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
    def _begins_in_one_way(self) -> Train:
        if self.start.given and self.warmup_steps:
            raise ValueError(
                f"train.start gives the weights that train.warmup_steps = {self.warmup_steps} would train; set one of "
                "them only"
            )
        return self

    @model_validator(mode="after")
    def _stops_before_its_end(self) -> Train:
        if self.stop_at is not None and self.stop_at >= self.steps:
            raise ValueError(
                f"train.stop_at = {self.stop_at} stops no training of train.steps = {self.steps} early; leave it out"
            )
        return self
