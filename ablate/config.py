"""The typed, frozen settings of one cell, and its identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.fields import FieldInfo

from ablate.registry import Registry, adversarial_losses, distortions, feature_matchings

RESULTS_VERSION = 1
"""Raised when the same settings give other results than before; CHANGELOG.md says why older ones no longer compare."""

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


def term_registry(info: FieldInfo) -> Registry | None:
    """Returns the registry that a setting names a function of, None for any other setting."""
    functions = (getattr(validator, "func", None) for validator in info.metadata)
    return next((function.registry for function in functions if isinstance(function, Resolve)), None)


AdversarialTerm = Annotated[Term, AfterValidator(Resolve(adversarial_losses))]
DistortionTerm = Annotated[Term, AfterValidator(Resolve(distortions))]
MatchingTerm = Annotated[Term, AfterValidator(Resolve(feature_matchings))]
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


class Discriminator(Settings):
    """The multi-scale patch discriminator: `scales` copies, each on an image pooled once more."""

    scales: int = Field(3, ge=1, le=5)
    width: int = Field(64, ge=4)
    layers: int = Field(4, ge=1, le=6)
    norm: Norm = "instance"


class Loss(Settings):
    """The training objective; `scale_reduction` and `generator_scales` are independent of the loss type."""

    adversarial: AdversarialTerm = Field(Term(name="hinge"), validate_default=True)
    adversarial_weight: float = Field(1.0, ge=0)
    distortion: DistortionTerm = Field(Term(name="mse"), validate_default=True)
    lambda_x: float = Field(12.0, ge=0)
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
    alike share them.
    """

    steps: int = Field(1000, ge=1)
    warmup_steps: int = Field(0, ge=0)
    warmup_decay: Literal["cosine", "none"] = "cosine"
    warmup_distortion: DistortionTerm = Field(Term(name="mse"), validate_default=True)
    ema_decay: float = Field(0.999, ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    log_every: int = Field(25, ge=1)
    checkpoint_every: int = Field(250, ge=1)


class Evaluation(Settings):
    """The protocol that the finished codec is measured by."""

    extractor: Literal["lite0"] = "lite0"
    tap: Literal[112, 1280] = 112
    patch: int = Field(64, ge=32)


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

    @property
    def id(self) -> str:
        """First 12 hex digits of the hash of the complete resolved configuration."""
        return self.sha256[:12]

    @property
    def sha256(self) -> str:
        """The whole hash, of which the id is the beginning."""
        return content_sha256({"results_version": RESULTS_VERSION, "cell": identity(self)})

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
        value = getattr(settings, name)
        result[name] = identity(value) if isinstance(value, Settings) else value
    return result


def content_sha256(content: Any) -> str:
    """Returns sha256 over canonical JSON in hex digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
