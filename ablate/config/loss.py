"""The training objective."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ablate.config.terms import AdversarialTerm, DistortionTerm, GeneratorTerm, MatchingTerm, PenaltyTerms
from ablate.limits import Range, Weight
from ablate.settings import Settings, added
from ablate.terms import Term


class Loss(Settings):
    """The training objective; `scale_reduction` and `generator_scales` are independent of the loss type.

    `adversarial` is both players' loss; with another name than "same" `generator` is the generator's, and `adversarial`
    the discriminators' alone.
    `adaptive_weight` multiplies the adversarial weight by the ratio of the distortion's to the adversarial gradient at
    the generator's last layer (VQGAN). `calibrate = "gradient"` multiplies it by one number, found at step
    `calibrate_at`, where there must be an adversarial term: that which gives the term the gradient norm at the
    reconstruction that `calibrate_to` has there. Before that step the factor is 1.
    `lambda_r` weighs the bits per pixel that a codec with an entropy model estimates. With a `rate_target`, in bits per
    pixel of files, it is the weight to begin with, and `rate_control` keeps the target: "integral" by moving it,
    "two_level" by this weight above it and `lambda_r_below` below it, which is a sixteenth of it where it is not given.
    `discriminator_weight` multiplies the discriminators' loss, but not its penalties.
    """

    adversarial: AdversarialTerm = Field(Term(name="hinge"), validate_default=True)
    generator: GeneratorTerm = added("0.2", Term(name="same"))
    adversarial_weight: Annotated[Weight, Range(0.1, 10.0, "log")] = 1.0
    adaptive_weight: bool = False
    calibrate: Literal["none", "gradient"] = "none"
    calibrate_to: AdversarialTerm = Field(Term(name="vanilla"), validate_default=True)
    calibrate_at: int = Field(20, ge=1)
    discriminator_weight: Annotated[float, Range(0.1, 10.0, "log")] = Field(1.0, gt=0)
    penalties: PenaltyTerms = ()
    distortion: DistortionTerm = Field(Term(name="mse"), validate_default=True)
    lambda_x: Annotated[Weight, Range(1.0, 100.0, "log")] = 12.0
    lambda_r: Weight = added("0.2", 0.0)
    rate_target: float | None = added("0.2", None, gt=0)
    rate_control: Literal["integral", "two_level"] = added("0.2", "integral")
    lambda_r_below: float | None = added("0.2", None, ge=0)
    perceptual: DistortionTerm = Field(Term(name="none"), validate_default=True)
    perceptual_weight: Annotated[Weight, Range(0.1, 10.0, "log")] = 1.0
    feature_matching: MatchingTerm = Field(Term(name="pix2pixhd"), validate_default=True)
    feature_matching_weight: Annotated[Weight, Range(0.1, 20.0, "log")] = 10.0
    scale_reduction: Literal["mean", "sum", "patch_weighted"] = "mean"
    generator_scales: Literal["all", "finest"] = "all"
