"""Weights that are found while training: the adversarial term's by gradients, the rate's by a target."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ablate.config.loss import Loss
from ablate.discriminators.discriminator import DiscriminatorOutput
from ablate.losses import Memory
from ablate.objective import Objective, Parts
from ablate.train.gradients import norm_at
from ablate.train.state import TrainState

LARGEST = 1e4
"""No factor is larger (Esser et al. 2021, taming-transformers: clamp of the adaptive weight)."""
NEARLY_ZERO = 1e-4
GAIN = 0.05
"""By how much the logarithm of the rate's weight moves in a step, for each part that the rate is off its target."""
BELOW = 1 / 16
"""The lower of HiFiC's two weights, as a share of the higher one (Mentzer et al. 2020, appendix A.2, at low rates)."""


def adaptive(parts: Parts, last_layer: Tensor) -> Parts:
    """Weighs the adversarial term by the ratio of gradients at the generator's last layer.

    ||grad of distortion and perceptual term|| / (||grad of the adversarial term|| + 1e-4), at most 1e4, without a
    gradient of its own (Esser et al. 2021, equation 7). Where the adversarial gradient vanishes, as under a hinge
    discriminator that is dead, the factor runs to its limit.
    """
    kept = [name for name in ("distortion", "perceptual") if name in parts.terms]
    reconstruction = norm_at(last_layer, parts.weighted(*kept))
    factor = (reconstruction / (norm_at(last_layer, parts.terms["adversarial"]) + NEARLY_ZERO)).clamp(max=LARGEST)
    return parts.scaled("adversarial", factor)


def calibrated(
    state: TrainState,
    objective: Objective,
    parts: Parts,
    reconstruction: Tensor,
    *,
    real: DiscriminatorOutput,
    fake: DiscriminatorOutput,
) -> Parts:
    """Gives the adversarial term the gradient norm that the reference loss has, by a factor found once and kept.

    Args:
        state: keeps the factor, so that a resumed training goes on with it.
        objective: whose settings name the reference and the step.
        parts: of this step.
        reconstruction: at which gradients are taken, (N, 3, H, W).
        real: the discriminators' output on the image; without logits where neither loss looks at them.
        fake: their output on the reconstruction.
    """
    if state.calibration is None and state.step + 1 >= objective.settings.calibrate_at:
        reference = objective.adversarial_term(objective.reference, real_logits=real.logits, fake_logits=fake.logits)
        wanted, own = norm_at(reconstruction, reference), norm_at(reconstruction, parts.terms["adversarial"])
        state.calibration = min(float(wanted / own), LARGEST) if own else 1.0
    return parts if state.calibration is None else parts.scaled("adversarial", state.calibration)


def rate_weight(kept: Memory, loss: Loss, rate: Tensor) -> float | Tensor:
    """Returns the weight of the estimated bits per pixel in this step.

    Without a target it is `lambda_r`. Else `rate_control` says how the target is kept: "integral" multiplies the weight
    a little at each step by how far the rate is off, beginning at `lambda_r`; "two_level" takes `lambda_r` above the
    target and a sixteenth of it below (Mentzer et al. 2020, section 3.3).

    Args:
        kept: what the controller remembers; changed in place, and saved with the training.
        loss: settings.
        rate: of this step, a scalar.
    """
    if loss.rate_target is None:
        return loss.lambda_r
    off = rate.detach() / loss.rate_target - 1
    if loss.rate_control == "two_level":
        return torch.where(off > 0, loss.lambda_r, loss.lambda_r * BELOW)
    if "log_weight" not in kept:
        kept["log_weight"] = torch.full_like(off, math.log(loss.lambda_r))
    kept["log_weight"] = kept["log_weight"] + GAIN * off.clamp(-1, 1)
    return kept["log_weight"].exp()
