"""Values and gradients of the adversarial losses, worked out by hand and against analytic optima."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from ablate.losses import AdversarialLoss
from ablate.registry import adversarial_losses

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
    assert loss.generator(REAL, FAKE).item() == pytest.approx(-FAKE.mean().item())


def test_vanilla_is_the_cross_entropy_of_raw_logits() -> None:
    loss = built("vanilla")
    real = mean([math.log1p(math.exp(-x)) for x in REAL.flatten().tolist()])
    fake = mean([math.log1p(math.exp(x)) for x in FAKE.flatten().tolist()])
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(real + fake)
    assert loss.generator(REAL, FAKE).item() == pytest.approx(
        mean([math.log1p(math.exp(-x)) for x in FAKE.flatten().tolist()])
    )


def test_minimax_has_vanillas_discriminator_and_its_negated_fake_term() -> None:
    assert built("minimax").discriminator(REAL, FAKE) == built("vanilla").discriminator(REAL, FAKE)
    fake = mean([math.log1p(math.exp(x)) for x in FAKE.flatten().tolist()])
    assert built("minimax").generator(REAL, FAKE).item() == pytest.approx(-fake)


@pytest.mark.parametrize(
    ("name", "at_zero", "when_losing"),
    [
        ("vanilla", -0.5, -0.982),
        ("minimax", -0.5, -0.018),
        ("lsgan", -2.0, -10.0),
        ("hinge", -1.0, -1.0),
        ("none", 0, 0),
    ],
)
def test_generator_gradient_per_logit_is_the_published_one(name: str, at_zero: float, when_losing: float) -> None:
    for logit, expected in ((0.0, at_zero), (-4.0, when_losing)):
        fake = torch.full((1, 1, 1, 1), logit, dtype=torch.float64, requires_grad=True)
        built(name).generator(torch.empty(0), fake).backward()
        assert fake.grad is not None
        assert fake.grad.item() == pytest.approx(expected, abs=5e-4)


def test_logits_of_any_size_give_finite_gradients() -> None:
    for name in adversarial_losses:
        fake = torch.tensor([-1e4, 0.0, 1e4]).reshape(1, 1, 1, 3).requires_grad_()
        real = fake.detach().clone().requires_grad_()
        (built(name).discriminator(real, fake) + built(name).generator(REAL, fake)).backward()
        assert real.grad is not None
        assert fake.grad is not None
        assert real.grad.isfinite().all(), name
        assert fake.grad.isfinite().all(), name


@pytest.mark.parametrize("name", list(adversarial_losses))
def test_gradients_agree_with_finite_differences(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(2, 1, 3, 2, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2))
    assert gradcheck(built(name).discriminator, (real, fake))
    assert gradcheck(built(name).generator, (real, fake))


P = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
Q = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)


def discriminator_loss(name: str, logits: torch.Tensor) -> torch.Tensor:
    """L_D of one logit an atom, images distributed as P and reconstructions as Q."""
    real, fake = (torch.repeat_interleave(torch.arange(4), (each * 10).round().long()) for each in (P, Q))
    return built(name).discriminator(logits[real], logits[fake])


def minimised(name: str) -> float:
    logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-10)

    def closure() -> float:
        optimizer.zero_grad()
        loss = discriminator_loss(name, logits)
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    return closure()


def test_best_smooth_discriminators_reach_the_divergence_each_loss_stands_for() -> None:
    middle = (P + Q) / 2
    jensen_shannon = ((P * (P / middle).log()).sum() + (Q * (Q / middle).log()).sum()).item() / 2
    assert minimised("vanilla") == pytest.approx(2 * math.log(2) - 2 * jensen_shannon, abs=1e-6)
    assert minimised("lsgan") == pytest.approx((P * Q / (P + Q)).sum().item(), abs=1e-6)


def test_best_hinge_discriminator_reaches_the_total_variation() -> None:
    best = (P - Q).sign()
    total_variation = (P - Q).abs().sum().item() / 2
    assert discriminator_loss("hinge", best).item() == pytest.approx(2 * (1 - total_variation))
    nudges = torch.randn(200, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert all(discriminator_loss("hinge", best + nudge) >= discriminator_loss("hinge", best) for nudge in nudges)


def test_every_option_of_least_squares_changes_its_value() -> None:
    plain = built("lsgan")
    assert built("lsgan", real_target=0.9).discriminator(REAL, FAKE) != plain.discriminator(REAL, FAKE)
    assert built("lsgan", fake_target=0.1).discriminator(REAL, FAKE) != plain.discriminator(REAL, FAKE)
    assert built("lsgan", generator_target=0.0).generator(REAL, FAKE) != plain.generator(REAL, FAKE)
    assert built("lsgan", real_target=2.0).threshold == 1.0
