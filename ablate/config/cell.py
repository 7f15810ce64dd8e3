"""One cell of the grid with everything that goes together, and the warm-up that cells share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ablate.codecs.settings import Model
from ablate.config.adversarial_agreement import kind_of
from ablate.config.agreement import require_agreement
from ablate.config.data import Data
from ablate.config.evaluation import Evaluation
from ablate.config.loss import Loss
from ablate.config.terms import DistortionTerm
from ablate.config.train import Adam, Optimizers, Train
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.settings import RESULTS_VERSION, Identified, Known, content_sha256, identity

EVALUATION_OF_0_1 = {"extractor": "lite0", "tap": 112, "patch": 64, "perceptual": "none"}
"""Stands for the evaluation in every identity: it was a part of it once, and ids outlive that."""


class Cell(Identified):
    """One cell of the grid, complete. Its identity is that of its training: `evaluation` says how it is measured."""

    KIND = "cell"

    data: Data = Data()
    model: Model = Field(default_factory=Model)
    discriminator: DiscriminatorSettings = Field(default_factory=DiscriminatorSettings)
    loss: Loss = Field(default_factory=Loss)
    optimizers: Optimizers = Optimizers()
    train: Train = Field(default_factory=Train)
    evaluation: Evaluation = Evaluation()
    seed: int = Field(0, ge=0)
    replicate: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _settings_agree(self) -> Cell:
        require_agreement(dict(self))
        return self

    @property
    def sha256(self) -> str:
        """The whole hash of the training, of which the id is the beginning."""
        return self.hashed()

    def hashed(self, known: Known | None = None) -> str:
        """Returns the whole hash; for cells that share groups of settings, `known` saves going through them again."""
        content = identity(self, known) | {"evaluation": EVALUATION_OF_0_1}
        return content_sha256({"results_version": RESULTS_VERSION, self.KIND: content})

    @property
    def earlier_id(self) -> str:
        """The id that version 0.1 gave the cell, of training and evaluation together."""
        evaluation = {name: getattr(self.evaluation, name) for name in EVALUATION_OF_0_1}
        content = identity(self) | {"evaluation": evaluation}
        return content_sha256({"results_version": RESULTS_VERSION, self.KIND: content})[:12]

    @property
    def guided(self) -> bool:
        """Whether codec or discriminators are given anything beside images."""
        return bool(self.map_classes) or self.model.selective != "none"

    @property
    def map_classes(self) -> int:
        """How many classes the label maps have that codec or discriminators look at; 0 where neither does."""
        return self.model.map_classes or self.discriminator.map_classes

    @property
    def discriminator_kind(self) -> str:
        """The kind of discriminators: the one that the adversarial loss needs, or the chosen one where any would do."""
        return kind_of(self.discriminator, self.loss)

    @property
    def warmup(self) -> Warmup | None:
        """The warm-up that the cell starts from, or None where it trains from scratch."""
        if not self.train.warmup_steps:
            return None
        return Warmup(
            data=self.data,
            model=self.model,
            distortion=self.train.warmup_distortion,
            adam=self.optimizers.warmup,
            decay=self.train.warmup_decay,
            seed=self.seed,
            steps=self.train.warmup_steps,
            precision=self.train.precision,
            channels_last=self.train.channels_last,
        )


class Warmup(Identified):
    """A distortion-only training that all cells with an equal one share; its id names its entry in the store."""

    KIND = "warmup"

    data: Data
    model: Model
    distortion: DistortionTerm
    adam: Adam
    decay: Literal["cosine", "none"]
    seed: int
    steps: int
    precision: Literal["float32", "bfloat16"]
    channels_last: bool
