"""Saturating generators of the f-GAN losses, and what becomes of exponentials of large logits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from ablate.losses import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses
from ablate.losses.divergences import LIMIT

SATURATING = {
    "f_kl": (-math.exp(-1), -math.exp(-5)),
    "f_rkl": (-1.0, -1.0),
    "f_pearson": (-1.0, 1.0),
    "f_neyman": (-1.0, -math.exp(2)),
    "f_hellinger": (-1.0, -math.exp(-4)),
    "f_js": (-0.5, -1 / (1 + math.exp(4))),
}
"""The generator's gradient at logits 0 and -4. Pearson's has the wrong sign there, and its convention says so."""
LIMITED = [name for name in adversarial_losses if "limit" in adversarial_losses[name].options]


def built(name: str, **options: float) -> AdversarialLoss:
    return adversarial_losses[name].function(**options)


def logits(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(-1, 1, 1, 1)


def generator_gradient(loss: AdversarialLoss, logit: float) -> float:
    fake = logits(logit).requires_grad_()
    return torch.autograd.grad(loss.generator(torch.empty(0), fake), fake)[0].item()


def test_every_divergence_with_two_generators_is_listed() -> None:
    assert list(SATURATING) == [n for n in adversarial_losses if "saturating" in adversarial_losses[n].options]


@pytest.mark.parametrize("name", SATURATING)
def test_saturating_generator_gradient_per_logit_is_worked_out_by_hand(name: str) -> None:
    loss = built(name, saturating=True)
    assert (generator_gradient(loss, 0.0), generator_gradient(loss, -4.0)) == pytest.approx(SATURATING[name], rel=1e-9)


@pytest.mark.parametrize("name", SATURATING)
def test_saturating_generator_minimises_what_the_discriminator_maximises(name: str) -> None:
    loss = built(name, saturating=True)
    real, fake, other = logits(0.5, -1.0), logits(1.5, -2.0), logits(0.0, 3.0)
    change = loss.discriminator(real, other) - loss.discriminator(real, fake)
    assert (loss.generator(real, fake) - loss.generator(real, other)).item() == pytest.approx(change.item(), rel=1e-12)


@pytest.mark.parametrize("name", SATURATING)
def test_saturating_generator_changes_nothing_for_the_discriminator(name: str) -> None:
    real, fake = logits(0.5, -1.0), logits(1.5, -2.0)
    assert built(name, saturating=True).discriminator(real, fake) == built(name).discriminator(real, fake)


@pytest.mark.parametrize("name", LIMITED)
def test_logits_inside_the_limit_are_exact(name: str) -> None:
    real, fake = logits(-9.9, 0.3, 9.9), logits(9.9, -9.9, 0.2)
    free = built(name, limit=1e3)
    assert built(name).discriminator(real, fake) == free.discriminator(real, fake)
    assert built(name).generator(real, fake) == free.generator(real, fake)


@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize("name", LIMITED)
def test_generator_gradient_keeps_its_sign_and_stays_below_that_at_the_limit(name: str, saturating: bool) -> None:
    loss = built(name, saturating=saturating)
    for logit in (-50.0, -LIMIT, LIMIT, 50.0):
        assert -math.exp(LIMIT) * (1 + 1e-12) <= generator_gradient(loss, logit) < 0


@pytest.mark.parametrize("limit", [2.0, LIMIT])
def test_gradient_beyond_the_limit_is_that_at_the_limit(limit: float) -> None:
    for name in ("f_rkl", "f_neyman", "f_hellinger"):
        assert generator_gradient(built(name, limit=limit), -50.0) == pytest.approx(-math.exp(limit))
    neyman = built("f_neyman", limit=limit, saturating=True)
    assert generator_gradient(neyman, -50.0) == pytest.approx(-math.exp(limit / 2))
    for name in ("f_kl", "f_hellinger"):
        saturating = built(name, limit=limit, saturating=True)
        assert generator_gradient(saturating, 50.0) == pytest.approx(-math.exp(limit))


@pytest.mark.parametrize("name", LIMITED)
def test_value_beyond_the_limit_goes_on_with_its_gradient(name: str) -> None:
    real, fake = logits(-30.0, 12.0).requires_grad_(), logits(40.0, -25.0).requires_grad_()
    for saturating in (False, True):
        loss = built(name, saturating=saturating)
        assert gradcheck(loss.discriminator, (real, fake), rtol=1e-6)
        assert gradcheck(loss.generator, (real, fake), rtol=1e-6)


@pytest.mark.parametrize("share", [1e-2, 0.5, 0.99])
@pytest.mark.parametrize("name", LIMITED)
def test_discriminator_slopes_towards_its_best_logit_from_however_far(name: str, share: float) -> None:
    """The share is the images' of all that show one patch; its best logit lies inside the limit."""
    real, fake = (logits(*range(-60, 61)).requires_grad_() for _ in range(2))
    of_real, of_fake = torch.autograd.grad(built(name).discriminator(real, fake), (real, fake))
    rising = (share * of_real + (1 - share) * of_fake > 0).flatten().tolist()
    assert rising == sorted(rising)
    assert (rising[0], rising[-1]) == (False, True)
