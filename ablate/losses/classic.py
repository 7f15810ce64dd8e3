"""Adversarial losses that judge every logit for itself.

A registered function takes the loss' options as keyword-only arguments and returns the pair of both players' losses.
Beside formula and source it registers facts that checks and documents read, which `catalogue` lists.
"""

from __future__ import annotations

import math

from ablate.late_torch import F, Tensor
from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.plugins import adversarial_loss

TARGET = (-2.0, 2.0)


def two_class(logits: Tensor) -> Tensor:
    """Turns the logits of a two-class softmax into one: `vanilla` of the result is their cross-entropy.

    Args:
        logits: (N, 2, h, w), first "reconstruction", then "image".

    Returns:
        (N, 1, h, w), how far the second lies above the first.

    Raises:
        ValueError: if there are not two channels.
    """
    if logits.ndim != 4 or logits.shape[1] != 2:
        raise ValueError(f"two classes have logits (N, 2, h, w), not {tuple(logits.shape)}")
    return logits[:, 1:] - logits[:, :1]


def _logistic(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


@adversarial_loss(
    formula=r"L_D = E\,\mathrm{sp}(-r) + E\,\mathrm{sp}(f), \quad L_G = E\,\mathrm{sp}(-f)",
    source="Goodfellow et al. 2014, section 3 (non-saturating generator)",
    convention="also called ns or logistic: binary cross-entropy on raw logits, both terms with weight 1; real_target "
    "below 1 smooths the label of images, and of these alone (Salimans et al. 2016), which adds E(1 - real_target) r",
    gradient_at_zero=-0.5,
    gradient_losing=-0.98201,
    ranges={"real_target": (0.7, 1.0)},
)
def vanilla(*, real_target: float = 1.0) -> AdversarialLoss:
    """Logistic loss with the non-saturating generator, on raw logits; sp is softplus."""
    if not 0 < real_target <= 1:
        raise ValueError(f"real_target is the probability that an image is one, above 0 up to 1, not {real_target}")
    return AdversarialLoss(
        discriminator=lambda real, fake: _logistic(real, fake) + (1 - real_target) * real.mean(),
        generator=lambda _real, fake: F.softplus(-fake).mean(),
        threshold=math.log(real_target / (2 - real_target)),
    )


@adversarial_loss(
    formula=r"L_D = E\,\mathrm{sp}(-r) + E\,\mathrm{sp}(f), \quad L_G = -E\,\mathrm{sp}(f)",
    source="Goodfellow et al. 2014, equation 1 (saturating generator)",
    convention="the generator minimises E log(1 - sigmoid(f)) itself",
    gradient_at_zero=-0.5,
    gradient_losing=-0.017986,
)
def minimax() -> AdversarialLoss:
    """Logistic loss of the two-player game; the generator's gradient vanishes where the discriminator wins."""
    return AdversarialLoss(_logistic, lambda _real, fake: -F.softplus(fake).mean())


@adversarial_loss(
    formula=r"L_D = E(r - b)^2 + E(f - a)^2, \quad L_G = E(f - c)^2, \quad a, b, c = 0, 1, 1",
    source="Mao et al. 2017, equation 2 without the half, as the source system has it",
    convention="linear logits, never probabilities; no half",
    gradient_at_zero=-2.0,
    gradient_losing=-10.0,
    ranges={"fake_target": TARGET, "real_target": TARGET, "generator_target": TARGET},
)
def lsgan(*, fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0) -> AdversarialLoss:
    """Least squares on linear logits."""
    return _least_squares(fake_target, real_target, generator_target, 1.0)


@adversarial_loss(
    formula=r"L_D = \tfrac12 E(r - 1)^2 + \tfrac12 E f^2, \quad L_G = \tfrac12 E(f - 1)^2",
    source="Mao et al. 2017, equations 2 and 9",
    convention="the paper's halves: half of lsgan, so the same lambda_x weighs twice as much",
    gradient_at_zero=-1.0,
    gradient_losing=-5.0,
)
def lsgan_half() -> AdversarialLoss:
    """Least squares with the paper's halves."""
    return _least_squares(0.0, 1.0, 1.0, 0.5)


@adversarial_loss(
    formula=r"L_D = \tfrac12 E(r - 1)^2 + \tfrac12 E(f + 1)^2, \quad L_G = \tfrac12 E f^2",
    source="Mao et al. 2017, equation 8: a, b, c = -1, 1, 0, the one coding that gives Pearson's chi-squared",
    convention="with halves; the generator's gradient is zero at logit 0",
    gradient_at_zero=0.0,
    gradient_losing=-4.0,
)
def lsgan_chi2() -> AdversarialLoss:
    """Least squares in the coding under which the generator minimises Pearson's chi-squared of p + q against 2 q."""
    return _least_squares(-1.0, 1.0, 0.0, 0.5)


def _least_squares(a: float, b: float, c: float, factor: float) -> AdversarialLoss:
    return AdversarialLoss(
        discriminator=lambda real, fake: factor * ((real - b).square().mean() + (fake - a).square().mean()),
        generator=lambda _real, fake: factor * (fake - c).square().mean(),
        threshold=(a + b) / 2,
    )


@adversarial_loss(
    formula=r"L_D = E\,\mathrm{relu}(1 - r) + E\,\mathrm{relu}(1 + f), \quad L_G = -E f",
    source="Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17",
    convention="both terms with weight 1",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
)
def hinge() -> AdversarialLoss:
    """Hinge loss; the generator's gradient is the same at every logit."""
    return AdversarialLoss(
        discriminator=lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        generator=lambda _real, fake: -fake.mean(),
    )


@adversarial_loss(
    formula=r"L_D = E f - E r, \quad L_G = -E f",
    source="Arjovsky et al. 2017, equations 2 and 3, algorithm 1",
    convention="needs a Lipschitz discriminator: a penalty (gp, lp, clip, ...) or spectral norm",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
)
def wgan() -> AdversarialLoss:
    """Difference of mean logits: minus the Wasserstein-1 distance where the discriminator is 1-Lipschitz.

    Without a constraint L_D has no minimum.
    """
    return AdversarialLoss(
        discriminator=lambda real, fake: fake.mean() - real.mean(),
        generator=lambda _real, fake: -fake.mean(),
        relative=True,  # what is added to all logits changes nothing for the discriminator
    )


@adversarial_loss(
    formula=r"L_D = L_G = -\log \mathrm{softmax}(l)_0 = 0 \quad \text{for one channel}",
    source="the source system's vanilla branch, its labels' type and rank mended: a defect, see grids/quirks.toml",
    convention="a softmax over one channel is 1 whatever the logit; as it stands the branch does not even build",
    gradient_at_zero=0.0,
    gradient_losing=0.0,
)
def softmax1() -> AdversarialLoss:
    """Cross-entropy of a softmax over one channel: zero, with zero gradients, so that no player learns from it."""
    return AdversarialLoss(*_NOTHING)


@adversarial_loss(
    formula=r"L_D = L_G = 0",
    source="control without a GAN",
    convention="the discriminator is never stepped",
    gradient_at_zero=0.0,
    gradient_losing=0.0,
    trains_discriminator=False,
)
def none() -> AdversarialLoss:
    """No adversarial term: the control arm, trained on distortion alone; the discriminator is never stepped."""
    return AdversarialLoss(*_NOTHING)


_NOTHING = (lambda real, fake: 0 * (real.mean() + fake.mean()), lambda _real, fake: 0 * fake.mean())
