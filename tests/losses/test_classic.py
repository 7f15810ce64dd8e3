"""Adversarial losses that judge every logit for itself: what is not in the contract of all."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ablate.losses import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses
from ablate.losses.classic import two_class

REAL = torch.tensor([[0.5, -1.0], [2.0, 0.0]], dtype=torch.float64).reshape(1, 1, 2, 2)
FAKE = torch.tensor([[-0.5, 1.0], [0.0, -3.0]], dtype=torch.float64).reshape(1, 1, 2, 2)


def built(name: str, **options: float) -> AdversarialLoss:
    return adversarial_losses[name].function(**options)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_least_squares_is_the_sum_of_both_mean_squares_without_a_half() -> None:
    loss = built("lsgan")
    expected = mean([0.25, 4.0, 1.0, 1.0]) + mean([0.25, 1.0, 0.0, 9.0])
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(expected)
    assert loss.generator(REAL, FAKE).item() == pytest.approx(mean([2.25, 0.0, 1.0, 16.0]))


def test_hinge_counts_only_logits_inside_the_margin() -> None:
    loss = built("hinge")
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(
        mean([0.5, 2.0, 0.0, 1.0]) + mean([0.5, 2.0, 1.0, 0.0])
    )


def test_least_squares_threshold_lies_halfway_between_the_targets() -> None:
    assert built("lsgan", real_target=2.0).threshold == 1.0
    assert built("lsgan_chi2").threshold == 0.0


def test_smoothed_label_is_the_cross_entropy_with_that_target_for_images_alone() -> None:
    smooth = built("vanilla", real_target=0.9)
    real = binary_cross_entropy_with_logits(REAL, torch.full_like(REAL, 0.9))
    fake = binary_cross_entropy_with_logits(FAKE, torch.zeros_like(FAKE))
    assert smooth.discriminator(REAL, FAKE).item() == pytest.approx((real + fake).item(), rel=1e-12)
    assert smooth.generator(REAL, FAKE) == built("vanilla").generator(REAL, FAKE)


def test_label_that_is_not_smoothed_leaves_every_bit_as_it_was() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = (20 * torch.randn(8, 1, 5, 5, generator=generator) for _ in range(2))
    assert torch.equal(built("vanilla").discriminator(real, fake), built("minimax").discriminator(real, fake))
    assert built("vanilla").threshold == 0.0


def test_smoothed_threshold_is_where_the_discriminator_is_indifferent() -> None:
    loss = built("vanilla", real_target=0.8)
    logit = torch.full((1, 1, 1, 1), loss.threshold, dtype=torch.float64, requires_grad=True)
    loss.discriminator(logit, logit).backward()
    assert logit.grad is not None
    assert logit.grad.item() == pytest.approx(0, abs=1e-12)
    assert loss.threshold == pytest.approx(math.log(0.4 / 0.6))


@pytest.mark.parametrize("target", [0.0, -0.1, 1.1, math.nan])
def test_label_that_is_no_probability_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="real_target is the probability that an image is one"):
        built("vanilla", real_target=target)


def test_vanilla_of_a_two_class_discriminator_is_its_softmax_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(3, 2, 4, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    image, reconstruction = torch.ones(3, 4, 5, dtype=torch.long), torch.zeros(3, 4, 5, dtype=torch.long)
    loss, judged = built("vanilla"), (two_class(real), two_class(fake))
    assert judged[0].shape == (3, 1, 4, 5)
    expected = cross_entropy(real, image) + cross_entropy(fake, reconstruction)
    assert loss.discriminator(*judged).item() == pytest.approx(expected.item(), rel=1e-12)
    assert loss.generator(*judged).item() == pytest.approx(cross_entropy(fake, image).item(), rel=1e-12)


@pytest.mark.parametrize("shape", [(3, 1, 4, 5), (3, 3, 4, 5), (3, 2)])
def test_two_classes_need_two_channels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"two classes have logits \(N, 2, h, w\), not"):
        two_class(torch.zeros(shape))
