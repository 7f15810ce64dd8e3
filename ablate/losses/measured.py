"""Facts of an adversarial loss that are found by trying it, on logits of one scale in float64."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.registry import Entry

Player = Callable[[Tensor, Tensor], Tensor]
LOSING = 4.0
"""Logit of the image, and minus that of the reconstruction, where the discriminator wins."""
SHAPE = (2, 1, 3, 3)


def gradient_at_zero(entry: Entry) -> float | None:
    """Returns the generator's gradient per logit where all logits are 0."""
    return _gradient(entry, 0.0)


def gradient_losing(entry: Entry) -> float | None:
    """Returns the generator's gradient per logit where the discriminator wins."""
    return _gradient(entry, LOSING)


def sees_real(entry: Entry) -> bool:
    """Tells whether the generator's loss depends on the logits of the image; True where it cannot be tried."""
    loss = _made(entry)
    return loss is None or looks_at_real(loss)


def looks_at_real(loss: AdversarialLoss) -> bool:
    """Tells whether the generator's loss of these options depends on the logits of the image."""
    real, fake, other = _logits()
    return not torch.equal(loss.generator(real, fake), loss.generator(other, fake))


def decomposes(entry: Entry) -> bool:
    """Tells whether both losses of a batch are the means of those of its images."""
    loss, (real, fake, _) = _made(entry), _logits()
    if loss is None:
        return False
    for player in (loss.discriminator, loss.generator):
        parts = torch.stack([player(real[i : i + 1], fake[i : i + 1]) for i in range(len(real))])
        if not torch.allclose(parts.mean(), player(real, fake), rtol=1e-9, atol=1e-12):
            return False
    return True


def is_relative(
    discriminator: Callable[[Tensor, Tensor], Tensor], generator: Callable[[Tensor, Tensor], Tensor]
) -> bool:
    """Tells whether both losses stay what they are where one number is added to all logits."""
    real, fake, _ = _logits()
    return all(
        torch.allclose(player(real + 3, fake + 3), player(real, fake), rtol=1e-6, atol=1e-9)
        for player in (discriminator, generator)
    ) and not torch.allclose(discriminator(real, fake), discriminator(fake, real))


def _gradient(entry: Entry, logit: float) -> float | None:
    loss = _made(entry)
    if loss is None:
        return None
    real, fake = (torch.full(SHAPE, value, dtype=torch.float64) for value in (logit, -logit))
    fake.requires_grad_()
    (gradient,) = torch.autograd.grad(loss.generator(real, fake), fake, materialize_grads=True, allow_unused=True)
    return float(gradient.sum())


def _made(entry: Entry) -> AdversarialLoss | None:
    """Returns the loss with its default options; None where one has no default."""
    if entry.required:
        return None
    loss: AdversarialLoss = entry.function().on_logits()
    return loss


def _logits() -> tuple[Tensor, Tensor, Tensor]:
    stream = torch.Generator().manual_seed(0)
    real, fake, other = 2 * torch.randn(3, *SHAPE, generator=stream, dtype=torch.float64)
    return real, fake, other
