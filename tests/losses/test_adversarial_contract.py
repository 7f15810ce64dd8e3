"""The contract of every registered adversarial loss: its formula, its facts, its divergence, and finite numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor
from torch.autograd import gradcheck

from ablate.losses import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses
from tests.losses.oracles import ORACLES

Array = NDArray[np.float64]
Player = Callable[[Array, Array], float]

NAMES = list(adversarial_losses)
STEPPED = {"hinge": np.sign, "f_tv": lambda difference: 20 * np.sign(difference)}
"""The best logits as a function of p - q, where no gradient leads to them."""

WATCHFUL = ["began"]
"""Losses that begin without interest in reconstructions and find out how much they need."""

ALTERNATIVES: Mapping[str, tuple[str | float | bool, ...]] = {
    "fake_target": (0.1, -1.0),
    "gamma": (0.3, 1.0),
    "generator_target": (0.0, 0.9),
    "limit": (0.5, 1.0),
    "margin": (0.1, 1.0),
    "mean": ("batch",),
    "pairing": ("shuffled", "all"),
    "rate": (0.01, 0.1),
    "real_target": (0.9, 0.7),
    "saturating": (True,),
}
"""Values of each option, by its name, that differ from its default in whatever loss has it."""


def built(name: str, **options: float | str | bool) -> AdversarialLoss:
    return adversarial_losses[name].function(**options).on_logits()


def logits(*shape: int, seed: int = 0, spread: float = 2.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(*shape, dtype=torch.float64, generator=generator)


REAL, FAKE = logits(4, 1, 3, 2, seed=1), logits(4, 1, 3, 2, seed=2)


def values(loss: AdversarialLoss, real: Tensor = REAL, fake: Tensor = FAKE) -> tuple[float, float]:
    return loss.discriminator(real, fake).item(), loss.generator(real, fake).item()


def after_a_step(loss: AdversarialLoss) -> float | None:
    """The discriminator's loss of the second step, where it is not that of the first."""
    if loss.controlled is None:
        return None
    memory: dict[str, Tensor] = {}
    real, fake = (-each.abs() for each in (REAL, FAKE))  # minus energies
    loss.controlled(3 * real, fake, memory)
    return loss.controlled(real, fake, memory).item()


def sp(x: Array) -> Array:
    return np.log(1 + np.exp(x))


def up(x: Array) -> Array:
    return np.maximum(x, 0)


def e(x: Array) -> float:
    return float(np.mean(x))


def swapped(discriminator: Player) -> tuple[Player, Player]:
    return discriminator, lambda r, f: discriminator(f, r)


def centre(r: Array, f: Array) -> float:
    return (e(r) + e(f)) / 2


WRITTEN_OUT: Mapping[str, tuple[Player, Player]] = {
    "vanilla": (lambda r, f: e(sp(-r)) + e(sp(f)), lambda _, f: e(sp(-f))),
    "minimax": (lambda r, f: e(sp(-r)) + e(sp(f)), lambda _, f: e(np.log(1 - 1 / (1 + np.exp(-f))))),
    "lsgan": (lambda r, f: e((r - 1) ** 2) + e(f**2), lambda _, f: e((f - 1) ** 2)),
    "lsgan_half": (lambda r, f: e((r - 1) ** 2) / 2 + e(f**2) / 2, lambda _, f: e((f - 1) ** 2) / 2),
    "lsgan_chi2": (lambda r, f: e((r - 1) ** 2) / 2 + e((f + 1) ** 2) / 2, lambda _, f: e(f**2) / 2),
    "hinge": (lambda r, f: e(up(1 - r)) + e(up(1 + f)), lambda _, f: -e(f)),
    "wgan": (lambda r, f: e(f) - e(r), lambda _, f: -e(f)),
    "none": (lambda _r, _f: 0.0, lambda _r, _f: 0.0),
    "softmax1": (lambda _r, _f: 0.0, lambda _r, _f: 0.0),
    "rp_vanilla": swapped(lambda r, f: e(sp(-(r - f)))),
    "rp_lsgan": swapped(lambda r, f: e((r - f - 1) ** 2)),
    "rp_hinge": swapped(lambda r, f: e(up(1 - (r - f)))),
    "ra_vanilla": swapped(lambda r, f: 0.5 * (e(sp(-(r - e(f)))) + e(sp(f - e(r))))),
    "ra_lsgan": swapped(lambda r, f: 0.5 * (e((r - e(f) - 1) ** 2) + e((f - e(r) + 1) ** 2))),
    "ra_hinge": swapped(lambda r, f: 0.5 * (e(up(1 - (r - e(f)))) + e(up(1 + (f - e(r)))))),
    "rc_vanilla": swapped(lambda r, f: 0.5 * (e(sp(-(r - centre(r, f)))) + e(sp(f - centre(r, f))))),
    "rc_lsgan": swapped(lambda r, f: 0.5 * (e((r - centre(r, f) - 1) ** 2) + e((f - centre(r, f) + 1) ** 2))),
    "rc_hinge": swapped(lambda r, f: 0.5 * (e(up(1 - (r - centre(r, f)))) + e(up(1 + (f - centre(r, f)))))),
    "f_kl": (lambda r, f: -e(r) + e(np.exp(f - 1)), lambda _, f: -e(f)),
    "f_rkl": (lambda r, f: e(np.exp(-r)) + e(f) - 1, lambda _, f: e(np.exp(-f))),
    "f_pearson": (lambda r, f: -e(r) + e(f**2 / 4 + f), lambda _, f: -e(f)),
    "f_neyman": (lambda r, f: e(np.exp(-r) - 1) + e(2 - 2 * np.exp(-f / 2)), lambda _, f: e(np.exp(-f)) - 1),
    "f_hellinger": (lambda r, f: e(np.exp(-r) - 1) + e(np.exp(f) - 1), lambda _, f: e(np.exp(-f)) - 1),
    "f_js": (lambda r, f: e(sp(-r)) + e(sp(f)) - 2 * np.log(2), lambda _, f: e(sp(-f)) - np.log(2)),
    "ebgan": (lambda r, f: e(-r) + e(up(0.3 - (-f))), lambda _, f: e(-f)),
    "oasis": (lambda r, f: (e(sp(-r)) + e(sp(f))) / 2, lambda _, f: e(sp(-f))),
    "began": (lambda r, f: e(-r) - 0 * e(-f), lambda _, f: e(-f)),
    "f_tv": (lambda r, f: -e(np.tanh(r)) / 2 + e(np.tanh(f)) / 2, lambda _, f: -e(np.tanh(f)) / 2),
}
"""Both players once more, from the papers' formulas: discriminator, generator."""


@pytest.mark.parametrize("name", NAMES)
def test_both_players_losses_are_their_formulas(name: str) -> None:
    discriminator, generator = WRITTEN_OUT[name]
    r, f = REAL.numpy(), FAKE.numpy()
    assert values(built(name)) == pytest.approx((discriminator(r, f), generator(r, f)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    assert gradcheck(built(name).discriminator, (real, fake))
    assert gradcheck(built(name).generator, (real, fake))


@pytest.mark.parametrize("patches", [1, 6])
@pytest.mark.parametrize(("fact", "logit"), [("gradient_at_zero", 0.0), ("gradient_losing", 4.0)])
@pytest.mark.parametrize("name", NAMES)
def test_generator_gradient_per_logit_is_the_registered_fact(name: str, fact: str, logit: float, patches: int) -> None:
    real = torch.full((1, 1, 1, patches), logit, dtype=torch.float64)
    fake = (-real).requires_grad_()
    (gradient,) = torch.autograd.grad(built(name).generator(real, fake), fake)
    assert patches * gradient.numpy() == pytest.approx(adversarial_losses[name].facts[fact], rel=2e-5, abs=1e-12)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*WATCHFUL}))
def test_discriminator_is_indifferent_at_its_threshold(name: str) -> None:
    """There a step of an image's logit gains what the same step of a reconstruction's costs."""
    loss = built(name)
    logit = torch.full((1, 1, 1, 1), loss.threshold, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss.discriminator(logit, logit), logit)
    assert gradient.item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*WATCHFUL, "softmax1"}))  # this teaches nothing, its defect
def test_an_image_s_logit_is_pushed_up_and_a_reconstruction_s_down_where_a_discriminator_is_trained(name: str) -> None:
    loss = built(name)
    real, fake = (torch.full((2, 1, 2, 2), loss.threshold, dtype=torch.float64, requires_grad=True) for _ in range(2))
    of_real, of_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake))
    trained = adversarial_losses[name].facts["trains_discriminator"]
    assert ((of_real < 0).all().item(), (of_fake > 0).all().item()) == (trained, trained)


def random_distributions(seed: int) -> tuple[Array, Array, Tensor, Tensor]:
    """Two random tables of five atoms, and for each as many draws of atoms as show it exactly.

    The tables' totals differ; each draw is repeated by the other's total, so that both have equally many.
    """
    counts = np.random.default_rng(seed).integers(1, 7, size=(2, 5))
    p, q = counts / counts.sum(axis=1, keepdims=True)
    drawn = [np.repeat(np.arange(5), own * other.sum()) for own, other in (counts, counts[::-1])]
    return p, q, *(torch.from_numpy(atoms) for atoms in drawn)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", [name for name in ORACLES if name not in STEPPED])
def test_best_smooth_discriminator_reaches_the_oracle(name: str, seed: int) -> None:
    p, q, real, fake = random_distributions(seed)
    loss = built(name)

    def value_and_gradient(of_atoms: Array) -> tuple[float, Array]:
        atoms = torch.from_numpy(of_atoms).reshape(-1, 1, 1, 1).requires_grad_()
        value = loss.discriminator(atoms[real], atoms[fake])
        (gradient,) = torch.autograd.grad(value, atoms)
        return value.item(), gradient.flatten().numpy()

    best = minimize(value_and_gradient, np.zeros(5), jac=True, method="BFGS", options={"gtol": 1e-8})
    assert best.fun == pytest.approx(ORACLES[name](p, q), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", sorted(STEPPED))
def test_best_stepped_discriminator_reaches_the_oracle_and_no_nudge_beats_it(name: str, seed: int) -> None:
    p, q, real, fake = random_distributions(seed)
    loss = built(name)
    best = torch.from_numpy(STEPPED[name](p - q)).reshape(-1, 1, 1, 1)
    least = loss.discriminator(best[real], best[fake]).item()
    assert least == pytest.approx(ORACLES[name](p, q), rel=1e-9)
    for nudge in range(100):
        near = best + logits(5, 1, 1, 1, seed=nudge, spread=0.1 + nudge / 10)
        assert loss.discriminator(near[real], near[fake]).item() >= least - 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("extreme", [50.0, 1e4])
@pytest.mark.parametrize("name", NAMES)
def test_logits_of_any_size_and_type_give_finite_values_and_gradients(
    name: str, extreme: float, dtype: torch.dtype
) -> None:
    real = torch.tensor([-extreme, -extreme, extreme, extreme, 0.0], dtype=dtype).reshape(1, 1, 1, 5)
    fake = torch.tensor([-extreme, extreme, -extreme, extreme, 0.0], dtype=dtype).reshape(1, 1, 1, 5)
    real, fake = real.requires_grad_(), fake.requires_grad_()
    for player in (built(name).discriminator, built(name).generator):
        value = player(real.float(), fake.float())
        gradients = torch.autograd.grad(value, (real, fake), materialize_grads=True)
        assert all(each.isfinite().all() for each in (value, *gradients))


OPTIONS = [(name, option) for name in NAMES for option in adversarial_losses[name].options]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_changes_the_result(name: str, option: str) -> None:
    chosen = [built(name), *(built(name, **{option: other}) for other in ALTERNATIVES[option])]
    assert len({(*values(each), after_a_step(each)) for each in chosen}) == len(chosen)


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_of_options_and_hold_the_default(name: str) -> None:
    entry = adversarial_losses[name]
    assert list(entry.facts["ranges"]) == [option for option, p in entry.options.items() if type(p.default) is float]
    for option, (low, high) in entry.facts["ranges"].items():
        assert low <= entry.options[option].default <= high
    assert all(p.default is not inspect.Parameter.empty for p in entry.options.values())


@pytest.mark.parametrize("name", NAMES)
def test_loss_of_a_batch_is_the_mean_of_its_halves_exactly_where_said(name: str) -> None:
    halves = [values(built(name), real, fake) for real, fake in zip(REAL.split(2), FAKE.split(2), strict=True)]
    same = np.isclose(values(built(name)), np.mean(halves, axis=0), rtol=1e-12, atol=0)
    assert same.tolist() == [adversarial_losses[name].facts["decomposes"]] * 2


@pytest.mark.parametrize("name", NAMES)
def test_generator_looks_at_the_image_s_logits_exactly_where_said(name: str) -> None:
    sees_real = adversarial_losses[name].facts["generator_sees_real"]
    other = logits(*REAL.shape, seed=3) if sees_real else torch.empty(0)
    assert (values(built(name))[1] != built(name).generator(other, FAKE).item()) == sees_real


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("none", "softmax1", "ebgan", "began")])
def test_only_relative_losses_ignore_what_is_added_to_all_logits(name: str) -> None:
    loss = built(name)
    discriminator, generator = np.isclose(values(loss, REAL + 3, FAKE + 3), values(loss), rtol=1e-9, atol=0)
    assert discriminator == loss.relative
    assert generator == adversarial_losses[name].facts["generator_sees_real"]
