r"""Adversarial losses that judge an image's logits against a reconstruction's.

Each is a pointwise function of a margin, a difference of logits that grows with the image's lead. The margins are those
of pairs (rp), of each logit to the other side's mean (ra), or of each to the mean of both sides (rc). The generator's
loss is the discriminator's with the players exchanged, and its gradient flows through the means as well.

In formulas \bar r and \bar f are means, and c is the mean of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ablate.late_torch import F, Tensor, torch
from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.plugins import adversarial_loss
from ablate.registry import chosen

Pointwise = Callable[[Tensor], Tensor]
Margins = Callable[[Tensor, Tensor], tuple[Tensor, ...]]


def _logistic(margin: Tensor) -> Tensor:
    return F.softplus(-margin)


def _squares(margin: Tensor) -> Tensor:
    return (margin - 1).square()


def _hinge(margin: Tensor) -> Tensor:
    return F.relu(1 - margin)


def _next_image(logits: Tensor) -> Tensor:
    if len(logits) < 2:
        raise ValueError('pairing = "shuffled" pairs different images: it needs a batch of at least 2, not 1')
    return logits.roll(1, dims=0)


PAIRINGS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "aligned": lambda real, fake: real - fake,
    "shuffled": lambda real, fake: real - _next_image(fake),
    "all": lambda real, fake: real.reshape(-1, 1) - fake.reshape(1, -1),
}
"""Which image's logit is compared with which reconstruction's.

aligned: the same image at the same patch. An image and its reconstruction show the same content, so that the
discriminator may leave content out of its logits.
shuffled: another image of the batch at the same patch, without content in common. The batch goes round by one; its
images are drawn independently of each other, so that a random order would tell the training nothing more.
all: each patch with every patch of the batch, the mean over all pairs; time and memory grow with the square of their
number (8 images of 30 x 30 patches: 52 million pairs).
"""

MEANS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "batch_and_patches": lambda logits: logits.mean(),
    "batch": lambda logits: logits.mean(dim=0, keepdim=True),
}
"""The dimensions that a logit's opponent is averaged over.

The sources have one logit an image and do not say; at batch 1 the mean over the batch alone is the logit itself.
"""


def _relativistic(loss: Pointwise, margins: Margins) -> AdversarialLoss:
    def discriminator(real: Tensor, fake: Tensor) -> Tensor:
        return torch.stack([loss(margin).mean() for margin in margins(real, fake)]).mean()

    return AdversarialLoss(discriminator, lambda real, fake: discriminator(fake, real), relative=True)


def _paired(loss: Pointwise, pairing: str) -> AdversarialLoss:
    margin = chosen("pairing", pairing, PAIRINGS)
    return _relativistic(loss, lambda real, fake: (margin(real, fake),))


def _averaged(loss: Pointwise, mean: str) -> AdversarialLoss:
    average = chosen("mean", mean, MEANS)
    return _relativistic(loss, lambda real, fake: (real - average(fake), average(real) - fake))


def _centred(loss: Pointwise, mean: str) -> AdversarialLoss:
    average = chosen("mean", mean, MEANS)

    def margins(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        centre = (average(real) + average(fake)) / 2
        return real - centre, centre - fake

    return _relativistic(loss, margins)


PAIRED: Mapping[str, Any] = {
    "source": "Jolicoeur-Martineau 2018, relativistic GAN; 2019, RpGAN (pairing all: its minimum-variance estimator)",
    "convention": "weight 1, as in R3GAN; the author's relativistic-f-divergences has 2. Pairs are aligned by patch, "
    "R3GAN's are random (shuffled). Only the aligned loss of a batch is the mean of its parts' losses",
    "generator_sees_real": True,
}
AVERAGED: Mapping[str, Any] = {
    "source": "Jolicoeur-Martineau 2018, relativistic average GAN; GAN_losses_iter.py of its RelativisticGAN",
    "convention": "with the half of RelativisticGAN, which the author's later relativistic-f-divergences leaves out; "
    "means over batch and patches of a scale, gradients flow through them; parts of a batch have other means",
    "generator_sees_real": True,
    "decomposes": False,
}
CENTRED: Mapping[str, Any] = {
    **AVERAGED,
    "source": "Jolicoeur-Martineau 2019, On relativistic f-divergences, RcGAN",
    "convention": "as ra, the half included, with the mean of both sides' means as everybody's opponent: margins, and "
    "with them the generator's gradient at 0, are half of ra's",
}


@adversarial_loss(
    formula=r"L_D = E\,\mathrm{sp}(f - r), \quad L_G = E\,\mathrm{sp}(r - f)",
    gradient_at_zero=-0.5,
    gradient_losing=-0.99966,
    **PAIRED,
)
def rp_vanilla(*, pairing: str = "aligned") -> AdversarialLoss:
    """Logistic loss of pairs; sp is softplus. With r1 and r2 penalties it is R3GAN's objective."""
    return _paired(_logistic, pairing)


@adversarial_loss(
    formula=r"L_D = E(r - f - 1)^2, \quad L_G = E(f - r - 1)^2",
    gradient_at_zero=-2.0,
    gradient_losing=-18.0,
    **PAIRED,
)
def rp_lsgan(*, pairing: str = "aligned") -> AdversarialLoss:
    """Least squares of pairs."""
    return _paired(_squares, pairing)


@adversarial_loss(
    formula=r"L_D = E\,\mathrm{relu}(1 - (r - f)), \quad L_G = E\,\mathrm{relu}(1 - (f - r))",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
    **PAIRED,
)
def rp_hinge(*, pairing: str = "aligned") -> AdversarialLoss:
    """Hinge loss of pairs; unlike hinge's, its generator is content with a lead of 1."""
    return _paired(_hinge, pairing)


@adversarial_loss(
    formula=r"L_D = \tfrac12 [E\,\mathrm{sp}(\bar f - r) + E\,\mathrm{sp}(f - \bar r)], \quad "
    r"L_G = \tfrac12 [E\,\mathrm{sp}(r - \bar f) + E\,\mathrm{sp}(\bar r - f)]",
    gradient_at_zero=-0.5,
    gradient_losing=-0.99966,
    **AVERAGED,
)
def ra_vanilla(*, mean: str = "batch_and_patches") -> AdversarialLoss:
    """Logistic loss of each logit against the other side's mean (RaSGAN)."""
    return _averaged(_logistic, mean)


@adversarial_loss(
    formula=r"L_D = \tfrac12 [E(r - \bar f - 1)^2 + E(f - \bar r + 1)^2], \quad "
    r"L_G = \tfrac12 [E(r - \bar f + 1)^2 + E(f - \bar r - 1)^2]",
    gradient_at_zero=-2.0,
    gradient_losing=-18.0,
    **AVERAGED,
)
def ra_lsgan(*, mean: str = "batch_and_patches") -> AdversarialLoss:
    """Least squares of each logit against the other side's mean (RaLSGAN)."""
    return _averaged(_squares, mean)


@adversarial_loss(
    formula=r"L_D = \tfrac12 [E\,\mathrm{relu}(1 - (r - \bar f)) + E\,\mathrm{relu}(1 + (f - \bar r))], \quad "
    r"L_G = \tfrac12 [E\,\mathrm{relu}(1 + (r - \bar f)) + E\,\mathrm{relu}(1 - (f - \bar r))]",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
    **AVERAGED,
)
def ra_hinge(*, mean: str = "batch_and_patches") -> AdversarialLoss:
    """Hinge loss of each logit against the other side's mean (RaHingeGAN)."""
    return _averaged(_hinge, mean)


@adversarial_loss(
    formula=r"L_D = \tfrac12 [E\,\mathrm{sp}(c - r) + E\,\mathrm{sp}(f - c)], \quad "
    r"L_G = \tfrac12 [E\,\mathrm{sp}(r - c) + E\,\mathrm{sp}(c - f)], \quad c = (\bar r + \bar f) / 2",
    gradient_at_zero=-0.25,
    gradient_losing=-0.49101,
    **CENTRED,
)
def rc_vanilla(*, mean: str = "batch_and_patches") -> AdversarialLoss:
    """Logistic loss of each logit against the mean of both sides."""
    return _centred(_logistic, mean)


@adversarial_loss(
    formula=r"L_D = \tfrac12 [E(r - c - 1)^2 + E(f - c + 1)^2], \quad "
    r"L_G = \tfrac12 [E(r - c + 1)^2 + E(f - c - 1)^2], \quad c = (\bar r + \bar f) / 2",
    gradient_at_zero=-1.0,
    gradient_losing=-5.0,
    **CENTRED,
)
def rc_lsgan(*, mean: str = "batch_and_patches") -> AdversarialLoss:
    """Least squares of each logit against the mean of both sides."""
    return _centred(_squares, mean)


@adversarial_loss(
    formula=r"L_D = \tfrac12 [E\,\mathrm{relu}(1 - (r - c)) + E\,\mathrm{relu}(1 + (f - c))], \quad "
    r"L_G = \tfrac12 [E\,\mathrm{relu}(1 + (r - c)) + E\,\mathrm{relu}(1 - (f - c))], \quad c = (\bar r + \bar f) / 2",
    gradient_at_zero=-0.5,
    gradient_losing=-0.5,
    **CENTRED,
)
def rc_hinge(*, mean: str = "batch_and_patches") -> AdversarialLoss:
    """Hinge loss of each logit against the mean of both sides."""
    return _centred(_hinge, mean)
