"""Pairings and means of the relativistic losses, and how the three forms hang together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from ablate.losses import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses

NAMES = [f"{form}_{loss}" for form in ("rp", "ra", "rc") for loss in ("vanilla", "lsgan", "hinge")]
PAIRED, AVERAGED = NAMES[:3], NAMES[3:]


def built(name: str, **options: str) -> AdversarialLoss:
    return adversarial_losses[name].function(**options)


def logits(*shape: int, seed: int) -> Tensor:
    return 2 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


REAL, FAKE = logits(3, 1, 2, 2, seed=1), logits(3, 1, 2, 2, seed=2)


def test_shuffled_pairs_are_of_different_images_at_the_same_patch() -> None:
    r, f = REAL.numpy(), FAKE.numpy()
    loss = built("rp_lsgan", pairing="shuffled")
    discriminator = np.mean([(r[i] - f[j] - 1) ** 2 for i, j in ((0, 2), (1, 0), (2, 1))])
    generator = np.mean([(f[i] - r[j] - 1) ** 2 for i, j in ((0, 2), (1, 0), (2, 1))])
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-12)
    assert loss.generator(REAL, FAKE).item() == pytest.approx(generator, rel=1e-12)


@pytest.mark.parametrize("name", PAIRED)
def test_shuffling_one_image_says_that_there_is_no_other(name: str) -> None:
    loss = built(name, pairing="shuffled")
    for player in (loss.discriminator, loss.generator):
        with pytest.raises(ValueError, match="needs a batch of at least 2, not 1"):
            player(REAL[:1], FAKE[:1])


def test_all_pairs_are_of_every_patch_with_every_patch() -> None:
    pairs = [(r, f) for r in REAL.flatten().tolist() for f in FAKE.flatten().tolist()]
    loss = built("rp_hinge", pairing="all")
    discriminator = sum(max(0, 1 - (r - f)) for r, f in pairs) / 144
    generator = sum(max(0, 1 - (f - r)) for r, f in pairs) / 144
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-12)
    assert loss.generator(REAL, FAKE).item() == pytest.approx(generator, rel=1e-12)


@pytest.mark.parametrize("pairing", ["shuffled", "all"])
@pytest.mark.parametrize("name", PAIRED)
def test_pairs_across_a_batch_do_not_decompose(name: str, pairing: str) -> None:
    real, fake = logits(4, 1, 2, 2, seed=3), logits(4, 1, 2, 2, seed=4)
    loss = built(name, pairing=pairing)
    halves = [loss.discriminator(r, f).item() for r, f in zip(real.split(2), fake.split(2), strict=True)]
    assert loss.discriminator(real, fake).item() != pytest.approx(sum(halves) / 2, rel=1e-6)


@pytest.mark.parametrize("form", ["ra", "rc"])
def test_mean_over_the_batch_is_one_for_each_patch(form: str) -> None:
    r, f = REAL.numpy(), FAKE.numpy()
    real_mean, fake_mean = r.sum(axis=0) / 3, f.sum(axis=0) / 3
    if form == "rc":
        real_mean = fake_mean = (real_mean + fake_mean) / 2
    expected = (np.mean((r - fake_mean - 1) ** 2) + np.mean((f - real_mean + 1) ** 2)) / 2
    assert built(f"{form}_lsgan", mean="batch").discriminator(REAL, FAKE).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", ["vanilla", "lsgan", "hinge"])
def test_averages_over_one_image_s_batch_are_aligned_pairs(loss: str) -> None:
    pair, average = built(f"rp_{loss}"), built(f"ra_{loss}", mean="batch")
    assert average.discriminator(REAL[:1], FAKE[:1]).item() == pytest.approx(
        pair.discriminator(REAL[:1], FAKE[:1]).item(), rel=1e-12
    )


def test_generator_gradient_flows_through_its_mean() -> None:
    """The image's margins alone, to which a reconstruction's logit belongs only as a part of the mean."""
    fake = torch.tensor([0.0, 50.0], dtype=torch.float64).reshape(2, 1, 1, 1).requires_grad_()
    real = torch.tensor([20.0, 26.0], dtype=torch.float64).reshape(2, 1, 1, 1)
    built("ra_hinge").generator(real, fake).backward()
    # f bar = 25 and r bar = 23: the lagging image is worth nothing, the leading one 1/2 * 1/2 * 1/2 to each logit of
    # the mean, and the lagging reconstruction 1/2 * 1/2 to itself.
    assert fake.grad is not None
    assert fake.grad.flatten().tolist() == [-0.125 - 0.25, -0.125]


@pytest.mark.parametrize("pairing", ["shuffled", "all"])
@pytest.mark.parametrize("name", PAIRED)
def test_gradients_of_other_pairings_agree_with_finite_differences(name: str, pairing: str) -> None:
    loss = built(name, pairing=pairing)
    for player in (loss.discriminator, loss.generator):
        assert gradcheck(player, (REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()))


@pytest.mark.parametrize("name", AVERAGED)
def test_gradients_of_means_over_the_batch_agree_with_finite_differences(name: str) -> None:
    loss = built(name, mean="batch")
    for player in (loss.discriminator, loss.generator):
        assert gradcheck(player, (REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_choice_is_refused_with_the_choices_when_the_loss_is_built(name: str) -> None:
    option, choices = ("pairing", "aligned, shuffled, all") if name in PAIRED else ("mean", "batch_and_patches, batch")
    with pytest.raises(ValueError, match=rf"unknown {option} 'batches' \(there is: {choices}\)"):
        built(name, **{option: "batches"})
