"""The loss over labels: its formula, its gradients, and how it decides."""

import pytest
import torch
from torch.autograd import gradcheck

from ablate.losses import adversarial
from ablate.losses.catalogue import adversarial_losses

CLASSES = 5
LABELS = torch.tensor([[[0, 3], [1, 1]]])


def said(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (1, K + 1, 2, 2) of all classes, and the two log-probabilities (1, 2, 2, 2) that the loss looks at."""
    logits = 3 * torch.randn(1, CLASSES + 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    log = logits.log_softmax(1)
    return logits, torch.cat([log[:, :1], log.gather(1, 1 + LABELS[:, None])], 1)


def test_both_players_losses_are_cross_entropies_over_labels_and_one_more_class() -> None:
    (real_logits, real), (fake_logits, fake) = said(1), said(2)
    of_image = torch.nn.functional.cross_entropy(real_logits, LABELS + 1)
    of_reconstruction = torch.nn.functional.cross_entropy(fake_logits, torch.zeros_like(LABELS))
    pulled = torch.nn.functional.cross_entropy(fake_logits, LABELS + 1)
    loss = adversarial("oasis")
    torch.testing.assert_close(loss.discriminator(real, fake), (of_image + of_reconstruction) / 2)
    torch.testing.assert_close(loss.generator(real, fake), pulled)


def test_gradients_agree_with_finite_differences_and_the_generator_s_is_that_of_its_label() -> None:
    loss = adversarial_losses["oasis"].function()
    real, fake = (said(seed)[1].requires_grad_() for seed in (1, 2))
    assert gradcheck(loss.discriminator, (real, fake))
    (gradient,) = torch.autograd.grad(loss.generator(real, fake), fake)
    assert (4 * gradient).flatten().tolist() == [0.0] * 4 + [-1.0] * 4


def test_a_position_is_an_image_s_where_its_label_is_likelier_than_the_reconstruction() -> None:
    loss = adversarial_losses["oasis"].function()
    decided = loss.decision(torch.log(torch.tensor([0.2, 0.6])).reshape(1, 2, 1, 1))
    assert loss.decision(loss.channels(decided)).item() == pytest.approx(decided.item())
    assert decided.item() == pytest.approx(torch.log(torch.tensor(3.0)).item())
