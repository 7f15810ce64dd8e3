"""The weight of the adversarial term, found while training by gradients."""

from __future__ import annotations

from torch import Tensor

from ablate.discriminators.discriminator import DiscriminatorOutput
from ablate.objective import Objective, Parts
from ablate.train.gradients import norm_at
from ablate.train.state import TrainState

LARGEST = 1e4
"""No factor is larger (Esser et al. 2021, taming-transformers: clamp of the adaptive weight)."""
NEARLY_ZERO = 1e-4


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
