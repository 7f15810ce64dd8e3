"""Losses over the energies of autoencoders: the least that any energies reach, and the balance that is kept."""

import numpy as np
import pytest
import torch

from ablate.losses import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses
from tests.losses.oracles import total_variation


def built(name: str, **options: float) -> AdversarialLoss:
    return adversarial_losses[name].function(**options)


def energies(*values: float) -> torch.Tensor:
    """Logits (1, 1, 1, n) of these energies."""
    return -torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


@pytest.mark.parametrize("seed", range(4))
def test_no_energies_beat_the_margin_times_what_the_distributions_share(seed: int) -> None:
    """Zhao et al. 2017, proof of lemma 1: energy 0 where images are likelier, the margin elsewhere."""
    drawn = np.random.default_rng(seed)
    counts = drawn.integers(1, 7, size=(2, 5))
    counts[1, -1] += counts[0].sum() - counts[1].sum() + 40
    counts[0, 0] += 40
    p, q = counts / counts.sum(axis=1, keepdims=True)
    loss, margin = built("ebgan", margin=0.4), 0.4

    def value(energy: np.ndarray) -> float:
        real, fake = (energies(*np.repeat(energy, each)) for each in counts)
        return loss.discriminator(real, fake).item()

    least = value(np.where(p > q, 0.0, margin))
    assert least == pytest.approx(margin * (1 - total_variation(p, q)), rel=1e-9)
    assert all(value(drawn.uniform(0, 2 * margin, 5)) >= least - 1e-12 for _ in range(200))


def test_began_weighs_reconstructions_as_the_paper_s_update_says() -> None:
    loss, memory = built("began", gamma=0.5, rate=0.1), {}
    real, fake = energies(1.0, 3.0), energies(0.25, 0.75)
    assert loss.controlled(real, fake, memory).item() == 2.0
    assert memory["k"].item() == pytest.approx(0.1 * (0.5 * 2.0 - 0.5))
    assert loss.controlled(real, fake, memory).item() == pytest.approx(2.0 - 0.05 * 0.5)
    assert memory["k"].item() == pytest.approx(0.1)


@pytest.mark.parametrize(("real", "fake", "limit"), [(100.0, 0.0, 1.0), (0.0, 100.0, 0.0)])
def test_began_keeps_its_weight_from_0_to_1(real: float, fake: float, limit: float) -> None:
    loss, memory = built("began", rate=0.1), {"k": torch.tensor(0.5)}
    loss.controlled(energies(real), energies(fake), memory)
    assert memory["k"].item() == limit


def test_began_s_balance_has_no_gradient_of_its_own() -> None:
    loss, memory = built("began"), {"k": torch.tensor(0.5, dtype=torch.float64)}
    real, fake = energies(1.0, 3.0).requires_grad_(), energies(2.0).requires_grad_()
    of_real, of_fake = torch.autograd.grad(loss.controlled(real, fake, memory), (real, fake))
    assert (of_real.flatten().tolist(), of_fake.item()) == ([-0.5, -0.5], 0.5)
    assert not memory["k"].requires_grad


@pytest.mark.parametrize(
    ("name", "options"),
    [("ebgan", {"margin": 0.0}), ("began", {"gamma": 0.0}), ("began", {"gamma": 1.5}), ("began", {"rate": 0.0})],
)
def test_options_without_meaning_are_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not"):
        built(name, **options)
