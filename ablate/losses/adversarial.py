"""Adversarial losses on the raw logits of one scale: what the discriminator and the generator minimise.

Every loss is written for logits of shape (N, 1, h, w), the mean runs over batch and patches of one scale. How the
scales are put together is `ablate.losses.objective`'s business. A registered function takes the loss' options as
keyword-only arguments and returns the pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus

from ablate.registry import adversarial_losses


@dataclass(frozen=True)
class AdversarialLoss:
    """`discriminator(real, fake)` and `generator(fake)`: logits (N, 1, h, w) -> scalar.

    A logit above `threshold` says "image": there the discriminator's loss is indifferent.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    threshold: float = 0.0


@adversarial_losses.register(
    formula=r"L_D = E\,\mathrm{sp}(-r) + E\,\mathrm{sp}(f), \quad L_G = E\,\mathrm{sp}(-f)",
    source="Goodfellow et al. 2014, section 3 (non-saturating generator)",
    trains_discriminator=True,
)
def vanilla() -> AdversarialLoss:
    """Logistic loss with the non-saturating generator, on raw logits; sp is softplus."""
    return AdversarialLoss(
        discriminator=lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        generator=lambda fake: softplus(-fake).mean(),
    )


@adversarial_losses.register(
    formula=r"L_D = E\,\mathrm{sp}(-r) + E\,\mathrm{sp}(f), \quad L_G = -E\,\mathrm{sp}(f)",
    source="Goodfellow et al. 2014, equation 1 (saturating generator)",
    trains_discriminator=True,
)
def minimax() -> AdversarialLoss:
    """Logistic loss of the two-player game; the generator's gradient vanishes where the discriminator wins."""
    return AdversarialLoss(
        discriminator=lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        generator=lambda fake: -softplus(fake).mean(),
    )


@adversarial_losses.register(
    formula=r"L_D = E(r - b)^2 + E(f - a)^2, \quad L_G = E(f - c)^2, \quad a, b, c = 0, 1, 1",
    source="Mao et al. 2017, equation 2 without the half, as the source system has it",
    trains_discriminator=True,
)
def lsgan(*, fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0) -> AdversarialLoss:
    """Least squares on linear logits."""
    return AdversarialLoss(
        discriminator=lambda real, fake: (real - real_target).square().mean() + (fake - fake_target).square().mean(),
        generator=lambda fake: (fake - generator_target).square().mean(),
        threshold=(real_target + fake_target) / 2,
    )


@adversarial_losses.register(
    formula=r"L_D = E\,\mathrm{relu}(1 - r) + E\,\mathrm{relu}(1 + f), \quad L_G = -E f",
    source="Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17",
    trains_discriminator=True,
)
def hinge() -> AdversarialLoss:
    """Hinge loss; the generator's gradient is the same at every logit."""
    return AdversarialLoss(
        discriminator=lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
        generator=lambda fake: -fake.mean(),
    )


@adversarial_losses.register(formula=r"L_D = L_G = 0", source="control without a GAN", trains_discriminator=False)
def none() -> AdversarialLoss:
    """No adversarial term: the control arm, trained on distortion alone; the discriminator is never stepped."""
    return AdversarialLoss(
        discriminator=lambda real, fake: 0 * (real.mean() + fake.mean()),
        generator=lambda fake: 0 * fake.mean(),
    )
