"""One cell of the grid with everything that goes together, and the warm-up that cells share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ablate.codecs.settings import Model
from ablate.config.data import Data
from ablate.config.evaluation import Evaluation
from ablate.config.loss import Loss
from ablate.config.terms import DistortionTerm
from ablate.config.train import Adam, Optimizers, Train
from ablate.discriminators.catalogue import PATCH, augmentations, discriminators
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.losses.catalogue import adversarial_losses, distortions, penalties
from ablate.settings import RESULTS_VERSION, Identified, Known, Settings, content_sha256, identity
from ablate.terms import Term

MAX_LABELS = 4096
"""The most classes of a position that a discriminator over labels is given; published ones have 1,024."""


EVALUATION_OF_0_1 = {"extractor": "lite0", "tap": 112, "patch": 64, "perceptual": "none"}
"""Stands for the evaluation in every identity: it was a part of it once, and ids outlive that."""


def moves(augmentation: Term) -> bool:
    """Says whether an augmentation changes where something is in an image."""
    found: bool = augmentations[augmentation.name].facts["moves"]
    return found


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
    def _crop_fits(self) -> Cell:
        self.model.check(self.data.crop, self.data.batch_size)
        check = discriminators[self.discriminator_kind].facts["check"]
        if check is not None:
            check(self.discriminator, self.data.crop)
        return self

    @model_validator(mode="after")
    def _there_is_a_rate_to_weigh(self) -> Cell:
        if self.loss.lambda_r and not self.model.has_rate:
            raise ValueError(
                f'loss.lambda_r weighs the rate that a codec estimates, and model.codec = "{self.model.codec.name}" '
                f'with model.prior = "{self.model.prior}" estimates none; set it to 0'
            )
        if self.loss.rate_target is not None and not self.loss.lambda_r:
            raise ValueError("loss.rate_target begins with the weight loss.lambda_r, which is 0; set it to 0.1, say")
        return self

    @model_validator(mode="after")
    def _there_is_a_discriminator_for_what_needs_it(self) -> Cell:
        loss, start = f'loss.adversarial = "{self.loss.adversarial.name}"', self.train.discriminator_start
        trained = adversarial_losses[self.loss.adversarial.name].facts["trains_discriminator"]
        if not trained and self.loss.feature_matching.name != "none":
            raise ValueError(
                f"{loss} trains no discriminator, so there are no features to match: set "
                'loss.feature_matching = "none" with it'
            )
        if not trained and self.loss.penalties:
            raise ValueError(
                f"{loss} trains no discriminator that penalties could hold: set loss.penalties = [] with it"
            )
        if trained and start >= self.train.end:
            last = "steps" if self.train.stop_at is None else "stop_at"
            raise ValueError(
                f"{loss} never takes part: train.discriminator_start = {start} and train.{last} = {self.train.end}; "
                'start earlier, or set loss.adversarial = "none"'
            )
        return self

    @model_validator(mode="after")
    def _rates_rise_within_the_training(self) -> Cell:
        for player, first in (("generator", 0), ("discriminator", self.train.discriminator_start)):
            rising, steps = getattr(self.optimizers, player).warmup_steps, self.train.steps - first
            if rising and rising >= steps:
                raise ValueError(
                    f"optimizers.{player}.warmup_steps = {rising} is no less than the {steps} steps that this player "
                    "is trained for (train.steps, train.discriminator_start)"
                )
        return self

    @model_validator(mode="after")
    def _there_are_maps_for_those_that_look_at_them(self) -> Cell:
        codec, judge = self.model.map_classes, self.discriminator.map_classes
        named = [f"{key}.map_classes" for key, classes in (("model", codec), ("discriminator", judge)) if classes]
        regions = {"model.selective": self.model.selective, "evaluation.kept": self.evaluation.kept}
        named += [f'{key} = "{value}"' for key, value in regions.items() if value == "random_instance"]
        if named and self.data.maps is None and self.data.train_maps_digest is None:
            raise ValueError(
                f'{named[0]} asks for label maps: set data.maps to their directory, or to "segmentation", with it'
            )
        if codec and self.loss.rate_target is not None:
            raise ValueError(
                f"loss.rate_target holds the bits of files without a map, and model.map_classes = {codec} puts one in; "
                "weigh the rate by loss.lambda_r alone"
            )
        if codec and judge and codec != judge:
            raise ValueError(
                f"model.map_classes = {codec} and discriminator.map_classes = {judge} are of one map; set both to one "
                "number, or one of them to 0"
            )
        if judge and not discriminators[self.discriminator_kind].facts["maps"]:
            raise ValueError(
                f'discriminator.kind = "{self.discriminator_kind}" looks at no label map; set '
                "discriminator.map_classes = 0 with it"
            )
        if judge and (moving := [each.name for each in self.discriminator.augment if moves(each)]):
            raise ValueError(
                "discriminator.augment moves images and not the label maps beside them: leave out "
                f"{', '.join(moving)}, or set discriminator.map_classes = 0"
            )
        if judge and (moving := [each.name for each in self.loss.penalties if penalties[each.name].facts["moves"]]):
            raise ValueError(
                f"loss.penalties has {', '.join(moving)}, which moves images and not the label maps beside them: leave "
                "that out, or set discriminator.map_classes = 0"
            )
        return self

    @model_validator(mode="after")
    def _the_generators_loss_fits_the_discriminators(self) -> Cell:
        own, other = self.loss.generator.name, self.loss.adversarial.name
        if own == "same":
            return self
        facts, of_discriminators = adversarial_losses[own].facts, adversarial_losses[other].facts
        if not of_discriminators["trains_discriminator"]:
            raise ValueError(
                f'loss.adversarial = "{other}" trains no discriminator that loss.generator = "{own}" could look at; '
                'set loss.generator = "same" with it'
            )
        if not facts["trains_discriminator"]:
            raise ValueError(
                f'loss.generator = "{own}" looks at no discriminator; set loss.adversarial = "{own}" for a training '
                "without a GAN, or loss.adversarial_weight = 0 for discriminators that nobody listens to"
            )
        if facts["discriminator"] != of_discriminators["discriminator"]:
            raise ValueError(
                f'loss.generator = "{own}" looks at discriminators of the kind "{facts["discriminator"]}", and '
                f'loss.adversarial = "{other}" trains those of the kind "{of_discriminators["discriminator"]}"'
            )
        return self

    @model_validator(mode="after")
    def _the_adversarial_weight_can_be_found(self) -> Cell:
        loss = self.loss
        terms = ((loss.distortion, loss.lambda_x), (loss.perceptual, loss.perceptual_weight))
        if loss.adaptive_weight and not any(weight and term.name != "none" for term, weight in terms):
            raise ValueError(
                "loss.adaptive_weight holds the adversarial term to the gradient of distortion and perceptual term, "
                "and neither has one: it would be 0; give one of them a weight"
            )
        if loss.calibrate == "none":
            return self
        reference, at, start = loss.calibrate_to.name, loss.calibrate_at, self.train.discriminator_start
        facts = adversarial_losses[reference].facts
        if facts["discriminator"] == "labels" or not facts["gradient_losing"]:
            raise ValueError(
                f'loss.calibrate_to = "{reference}" has no gradient by a logit that another loss could be calibrated to'
            )
        if loss.adaptive_weight:
            raise ValueError(
                "loss.adaptive_weight takes the loss' own strength out at every step, and what loss.calibrate puts in "
                'its place would weigh it wrongly; set one of them to false or "none"'
            )
        if not start < at <= self.train.end:
            last = "steps" if self.train.stop_at is None else "stop_at"
            raise ValueError(
                f"loss.calibrate_at = {at} is no step with an adversarial term: those are {start + 1} to "
                f"{self.train.end} (train.discriminator_start, train.{last})"
            )
        return self

    @model_validator(mode="after")
    def _discriminators_fit_the_loss(self) -> Cell:
        loss = f'loss.adversarial = "{self.loss.adversarial.name}"'
        kind, chosen = self.discriminator_kind, self.discriminator.kind.name
        if discriminators[chosen].facts["of_loss"]:
            raise ValueError(
                f'discriminator.kind = "{chosen}" is there for losses that bring it along; set loss.adversarial to one '
                f'of these ({", ".join(_losses_with(chosen))}) and discriminator.kind = "{PATCH}"'
            )
        if chosen not in (PATCH, kind):
            raise ValueError(
                f'{loss} has discriminators of its own, "{kind}", and none of discriminator.kind = "{chosen}"; set it '
                f'to "{PATCH}" with this loss'
            )
        if discriminators[kind].facts["sent"] and self.model.code is None:
            raise ValueError(
                f'discriminator.kind = "{kind}" looks at what was sent, and model.codec = "{self.model.codec.name}" '
                "does not say what that is"
            )
        if kind != PATCH and self.discriminator.quirks.sigmoid_logits:
            brought = f'discriminator.kind = "{kind}"' if chosen == kind else loss
            raise ValueError(f"{brought} has no logit that discriminator.quirks.sigmoid_logits could squash")
        if kind != "labels":
            return self
        code = self.model.code
        if code is None or code.levels is None:
            raise ValueError(f'{loss} tells symbols apart, and model.codec = "{self.model.codec.name}" sends none')
        labels = code.levels**code.channels
        if labels > MAX_LABELS:
            raise ValueError(
                f"{loss} tells the {labels} tuples of a position's symbols apart, and {MAX_LABELS} are the most; take "
                "fewer model.channels or model.quantizer.levels"
            )
        if self.discriminator.scales != 1 or 2**self.discriminator.layers < code.stride:
            raise ValueError(
                f"{loss} judges the positions of the latent: set discriminator.scales = 1 and discriminator.layers to "
                f"{self.model.downsamplings} or more (model.downsamplings)"
            )
        if self.loss.penalties or self.loss.calibrate != "none":
            raise ValueError(
                f"{loss} has classes where penalties and calibration need logits: set loss.penalties = [] and "
                'loss.calibrate = "none" with it'
            )
        return self

    @model_validator(mode="after")
    def _augmentation_fits_the_loss(self) -> Cell:
        settings, loss = self.discriminator, self.loss
        if not settings.augment:
            idle = [key for key in ("augment_probability", "augment_draws") if not _is_default(settings, key)]
            if idle:
                raise ValueError(f"discriminator.{idle[0]} says how to augment, and discriminator.augment is empty")
            return self
        if not adversarial_losses[loss.adversarial.name].facts["trains_discriminator"]:
            raise ValueError(
                f'loss.adversarial = "{loss.adversarial.name}" trains no discriminator whose images could be '
                "augmented; set discriminator.augment = [] with it"
            )
        moving = [each.name for each in settings.augment if moves(each)]
        if discriminators[self.discriminator_kind].facts["sent"] and moving:
            raise ValueError(
                f"discriminator.augment moves an image and not what was sent of it, which discriminators of the kind "
                f'"{self.discriminator_kind}" see, too: leave out {", ".join(moving)}'
            )
        if settings.augment_draws == "independent" and loss.feature_matching.name != "none":
            raise ValueError(
                "loss.feature_matching compares features of image and reconstruction place by place, and "
                'discriminator.augment changes each in another way; set discriminator.augment_draws = "shared" or '
                'loss.feature_matching = "none"'
            )
        return self

    @model_validator(mode="after")
    def _crops_are_large_enough_for_the_distortions(self) -> Cell:
        for name, term in (
            ("loss.distortion", self.loss.distortion),
            ("loss.perceptual", self.loss.perceptual),
            ("train.warmup_distortion", self.train.warmup_distortion),
        ):
            fact = distortions[term.name].facts["smallest_side"]
            smallest = fact(**term.options) if callable(fact) else fact
            if self.data.crop < smallest:
                raise ValueError(
                    f"{name} = {term.name!r} is not defined below {smallest} pixels, and data.crop = {self.data.crop}"
                )
        return self

    @model_validator(mode="after")
    def _other_images_are_there_to_pair_with(self) -> Cell:
        looking = [
            self.loss.adversarial,
            self.loss.generator,
            *([self.loss.calibrate_to] if self.loss.calibrate != "none" else []),
        ]
        shuffled = [term.name for term in looking if term.options.get("pairing") == "shuffled"]
        if shuffled and self.data.batch_size == 1:
            raise ValueError(
                f'{shuffled[0]} with pairing = "shuffled" compares each image with another of the '
                "batch, and data.batch_size = 1"
            )
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

    @model_validator(mode="after")
    def _discriminators_see_what_a_selective_codec_sends(self) -> Cell:
        kind, selective = self.discriminator_kind, self.model.selective
        if selective != "none" and discriminators[kind].facts["sent"]:
            raise ValueError(
                f'model.selective = "{selective}" sends nothing of some blocks, and discriminator.kind = "{kind}" '
                'looks at what was sent of each; set model.selective = "none" with it'
            )
        return self

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
        needed: str = adversarial_losses[self.loss.adversarial.name].facts["discriminator"]
        return discriminators[self.discriminator.kind.name if needed == PATCH else needed].name

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


def _is_default(settings: Settings, key: str) -> bool:
    return bool(getattr(settings, key) == type(settings).model_fields[key].default)


def _losses_with(kind: str) -> list[str]:
    """Names the adversarial losses that bring a kind of discriminators along."""
    return [name for name in adversarial_losses if adversarial_losses[name].facts["discriminator"] == kind]


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
