"""The typed, frozen settings of one cell, and its identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.fields import FieldInfo

from ablate.registry import Registry, adversarial_losses, distortions, feature_matchings, penalties

RESULTS_VERSION = 1
"""Raised when the same settings give other results than before; CHANGELOG.md says why older ones no longer compare."""

MAX_LABELS = 4096
"""The most classes of a position that a discriminator over labels is given; published ones have 1,024."""

NOT_IDENTITY: dict[str, JsonValue] = {"identity": False}
"""Marks a setting that says where something lies and not what it is."""


class Settings(BaseModel):
    """A frozen group of settings that knows every key it may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Term(Settings):
    """A registered function by name with its options; in a grid file a bare name stands for all defaults."""

    name: str
    options: dict[str, float | int | bool | str] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "options" not in value:
            return {"name": value.get("name"), "options": {k: v for k, v in value.items() if k != "name"}}
        return value


@dataclass(frozen=True)
class Resolve:
    """Looks a term up in its registry and fills in every option."""

    registry: Registry

    def __call__(self, term: Term) -> Term:
        return Term(name=term.name, options=self.registry[term.name].resolve(term.options))


@dataclass(frozen=True)
class ResolveEach:
    """Looks each of several terms up in one registry; a function may be named once."""

    registry: Registry

    def __call__(self, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        names = [term.name for term in terms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"{self.registry.kind} {twice!r} is named twice")
        return tuple(Resolve(self.registry)(term) for term in terms)


def term_registry(info: FieldInfo, kind: type[Resolve] | type[ResolveEach] = Resolve) -> Registry | None:
    """Returns the registry that a setting names a function of, or several functions; None for any other setting."""
    functions = (getattr(validator, "func", None) for validator in info.metadata)
    return next((function.registry for function in functions if isinstance(function, kind)), None)


AdversarialTerm = Annotated[Term, AfterValidator(Resolve(adversarial_losses))]
DistortionTerm = Annotated[Term, AfterValidator(Resolve(distortions))]
MatchingTerm = Annotated[Term, AfterValidator(Resolve(feature_matchings))]
PenaltyTerms = Annotated[tuple[Term, ...], AfterValidator(ResolveEach(penalties))]
Norm = Literal["instance", "channel", "none"]


class Data(Settings):
    """Which photographs are trained and tested on, and how crops are drawn from them."""

    source: Literal["photos", "folder"] = "photos"
    path: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    train: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    test: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    test_fraction: float = Field(0.1, gt=0, lt=1)
    on_bad_image: Literal["error", "skip"] = "error"
    crop: int = Field(128, ge=16, le=4096)
    batch_size: int = Field(8, ge=1)
    flip: bool = True
    train_digest: str | None = None
    test_digest: str | None = None

    @model_validator(mode="after")
    def _folder_is_given(self) -> Data:
        if self.source == "photos" and (self.path or self.train or self.test):
            raise ValueError('path, train and test belong to source = "folder"; source is "photos"')
        if self.source == "folder":
            whole, split = self.path is not None, self.train is not None and self.test is not None
            if whole == split or (whole and (self.train or self.test)):
                raise ValueError('source = "folder" needs either train and test, or path (split by test_fraction)')
        return self


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


class DiscriminatorQuirks(Settings):
    """Defects of the source's discriminators, each off unless it is what is studied.

    `double_leaky_relu` applies LeakyReLU twice behind each norm (the source's single-scale discriminator).
    `sigmoid_logits` ends in a sigmoid where the loss expects logits.
    """

    double_leaky_relu: bool = False
    sigmoid_logits: bool = False


class TrainQuirks(Settings):
    """Defects of the source's training, each off unless it is what is studied.

    `unpaired_batches` steps the discriminators on other crops than the generator. `coarse_untrained` adds no coarse
    discriminator's loss, so that those stay as they were drawn and matter through feature matching alone.
    """

    unpaired_batches: bool = False
    coarse_untrained: bool = False


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


class Discriminator(Settings):
    """The multi-scale patch discriminator: `scales` copies, each on an image pooled once more."""

    scales: int = Field(3, ge=1, le=5)
    width: int = Field(64, ge=4)
    layers: int = Field(4, ge=1, le=6)
    norm: Norm = "instance"
    spectral_norm: bool = False
    quirks: DiscriminatorQuirks = DiscriminatorQuirks()


class Loss(Settings):
    """The training objective; `scale_reduction` and `generator_scales` are independent of the loss type.

    `adaptive_weight` multiplies the adversarial weight by the ratio of the distortion's to the adversarial gradient at
    the generator's last layer (VQGAN). `calibrate = "gradient"` multiplies it by one number, found at the adversarial
    step `calibrate_at`: that which gives the term the gradient norm at the reconstruction that `calibrate_to` has
    there. Before that step the factor is 1. `discriminator_weight` multiplies the discriminators' loss, but not its
    penalties.
    """

    adversarial: AdversarialTerm = Field(Term(name="hinge"), validate_default=True)
    adversarial_weight: float = Field(1.0, ge=0)
    adaptive_weight: bool = False
    calibrate: Literal["none", "gradient"] = "none"
    calibrate_to: AdversarialTerm = Field(Term(name="vanilla"), validate_default=True)
    calibrate_at: int = Field(20, ge=1)
    discriminator_weight: float = Field(1.0, gt=0)
    penalties: PenaltyTerms = ()
    distortion: DistortionTerm = Field(Term(name="mse"), validate_default=True)
    lambda_x: float = Field(12.0, ge=0)
    perceptual: DistortionTerm = Field(Term(name="none"), validate_default=True)
    perceptual_weight: float = Field(1.0, ge=0)
    feature_matching: MatchingTerm = Field(Term(name="pix2pixhd"), validate_default=True)
    feature_matching_weight: float = Field(10.0, ge=0)
    scale_reduction: Literal["mean", "sum", "patch_weighted"] = "mean"
    generator_scales: Literal["all", "finest"] = "all"


class Adam(Settings):
    """Settings of one Adam optimizer."""

    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)


class Optimizers(Settings):
    """One optimizer for encoder, quantizer and generator, one for the discriminator; and one for the warm start."""

    generator: Adam = Adam()
    discriminator: Adam = Adam()
    warmup: Adam = Adam(learning_rate=1e-3, beta1=0.9)


class Train(Settings):
    """How long and in which numeric form a cell is trained.

    `warmup_steps` of distortion-only training come before the `steps` of adversarial training; cells that begin
    alike share them. The adversarial terms and the discriminators wait for `discriminator_start` of these steps. Of
    several `discriminator_steps` a step, all but the first have a batch of their own. Whichever player goes first,
    both see one forward pass of the codec.
    """

    steps: int = Field(1000, ge=1)
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


EXTRACTOR_TAPS: dict[str, tuple[int, ...]] = {"lite0": (112, 1280), "inception": (2048,), "dinov2": (1024,)}
"""The widths at which each feature extractor can be looked at."""


def distance_name(extractor: str, tap: int) -> str:
    """Returns the name of the Fréchet distance; only that of Inception's last layer is FID."""
    return "fid" if extractor == "inception" else f"fd_{extractor}_{tap}"


def kernel_name(extractor: str, tap: int) -> str:
    """Returns the name of the kernel distance of paired patches."""
    return "kid_paired" if extractor == "inception" else f"kid_paired_{extractor}_{tap}"


class Evaluation(Settings):
    """The protocol that the finished codec is measured by.

    `perceptual` names a distance over a network whose weights a user brings along: one more figure a picture.
    """

    extractor: Literal["lite0", "inception", "dinov2"] = "lite0"
    tap: Literal[112, 1280, 2048, 1024] = 112
    patch: int = Field(64, ge=32)
    perceptual: Literal["none", "lpips_alex", "lpips_vgg", "dists"] = "none"

    @model_validator(mode="after")
    def _tap_exists(self) -> Evaluation:
        taps = EXTRACTOR_TAPS[self.extractor]
        if self.tap not in taps:
            there = " and ".join(map(str, taps))
            raise ValueError(f"evaluation.extractor = {self.extractor!r} has the tap {there}, not {self.tap}")
        return self

    @property
    def distance(self) -> str:
        """The name of the Fréchet distance that is measured."""
        return distance_name(self.extractor, self.tap)

    @property
    def learned(self) -> tuple[str, ...]:
        """The names of the perceptual distances that are measured."""
        return () if self.perceptual == "none" else (self.perceptual,)

    @property
    def kernel(self) -> str:
        """The name of the kernel distance that is measured."""
        return kernel_name(self.extractor, self.tap)


class Cell(Settings):
    """One cell of the grid, complete: everything that its result depends on."""

    data: Data = Data()
    model: Model = Model()
    discriminator: Discriminator = Discriminator()
    loss: Loss = Field(default_factory=Loss)
    optimizers: Optimizers = Optimizers()
    train: Train = Field(default_factory=Train)
    evaluation: Evaluation = Evaluation()
    seed: int = Field(0, ge=0)
    replicate: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _crop_fits(self) -> Cell:
        stride = 2**self.model.downsamplings
        if self.data.crop % stride:
            raise ValueError(
                f"data.crop = {self.data.crop} must be a multiple of {stride} (model.downsamplings = "
                f"{self.model.downsamplings})"
            )
        per_channel = self.data.batch_size * (self.data.crop // stride) ** 2
        if self.model.latent_norm == "batch" and per_channel < 16:
            raise ValueError(
                f'model.latent_norm = "batch" has {per_channel} latents a channel to take statistics over; raise '
                "data.batch_size or data.crop until there are 16"
            )
        coarsest = self.data.crop / 2 ** (self.discriminator.scales - 1 + self.discriminator.layers)
        if self.discriminator.norm == "instance" and coarsest <= 1:
            raise ValueError(
                f"at data.crop = {self.data.crop} the coarsest of {self.discriminator.scales} discriminators ends in a "
                "1x1 feature map, which instance norm makes constant; take a larger crop, fewer scales or "
                'discriminator.norm = "channel"'
            )
        return self

    @model_validator(mode="after")
    def _features_have_a_discriminator(self) -> Cell:
        trained = adversarial_losses[self.loss.adversarial.name].facts["trains_discriminator"]
        if not trained and self.loss.feature_matching.name != "none":
            raise ValueError(
                f'loss.adversarial = "{self.loss.adversarial.name}" trains no discriminator, so there are no features '
                'to match: set loss.feature_matching = "none" with it'
            )
        return self

    @model_validator(mode="after")
    def _discriminators_fit_the_loss(self) -> Cell:
        loss = f'loss.adversarial = "{self.loss.adversarial.name}"'
        if self.judges != "patches" and self.discriminator.quirks.sigmoid_logits:
            raise ValueError(f"{loss} has no logit that discriminator.quirks.sigmoid_logits could squash")
        if self.judges != "labels":
            return self
        labels = self.model.quantizer.levels**self.model.channels
        if labels > MAX_LABELS:
            raise ValueError(
                f"{loss} tells the {labels} tuples of a position's symbols apart, and {MAX_LABELS} are the most; take "
                "fewer model.channels or model.quantizer.levels"
            )
        if self.discriminator.scales != 1 or self.discriminator.layers < self.model.downsamplings:
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
    def _other_pictures_are_there_to_pair_with(self) -> Cell:
        shuffled = self.loss.adversarial.options.get("pairing") == "shuffled"
        if shuffled and self.data.batch_size == 1:
            raise ValueError(
                f'{self.loss.adversarial.name} with pairing = "shuffled" compares each picture with another of the '
                "batch, and data.batch_size = 1"
            )
        return self

    @property
    def id(self) -> str:
        """First 12 hex digits of the hash of the complete resolved configuration."""
        return self.sha256[:12]

    @property
    def sha256(self) -> str:
        """The whole hash, of which the id is the beginning."""
        return content_sha256({"results_version": RESULTS_VERSION, "cell": identity(self)})

    @property
    def judges(self) -> str:
        """Which discriminators the adversarial loss needs: of "patches", "energy" or "labels"."""
        kind: str = adversarial_losses[self.loss.adversarial.name].facts["judges"]
        return kind

    @property
    def judged_by_its_teacher(self) -> bool:
        """Whether the network that measures the distance is trained against, too, which flatters the cell."""
        return any(self.evaluation.extractor in term.name for term in (self.loss.distortion, self.loss.perceptual))

    @property
    def warmup(self) -> Warmup | None:
        """What the cell starts from, or None where it trains from scratch."""
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


class Warmup(Settings):
    """A distortion-only training that all cells with an equal one share; its id names its entry in the store."""

    data: Data
    model: Model
    distortion: DistortionTerm
    adam: Adam
    decay: Literal["cosine", "none"]
    seed: int
    steps: int
    precision: Literal["float32", "bfloat16"]
    channels_last: bool

    @property
    def id(self) -> str:
        """First 12 hex digits of the hash of everything that the warm start depends on."""
        return self.sha256[:12]

    @property
    def sha256(self) -> str:
        """The whole hash, of which the id is the beginning."""
        return content_sha256({"results_version": RESULTS_VERSION, "warmup": identity(self)})


def identity(settings: Settings) -> dict[str, Any]:
    """Returns the settings as plain data, without those that only say where something lies."""
    result: dict[str, Any] = {}
    for name, info in type(settings).model_fields.items():
        if info.json_schema_extra == NOT_IDENTITY:
            continue
        result[name] = _plain(getattr(settings, name))
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return identity(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def content_sha256(content: Any) -> str:
    """Returns sha256 over canonical JSON in hex digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
