"""Gradient penalties against closed forms: linear and quadratic discriminators have gradients one can write down."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ablate.rng import stream
from tests.losses.penalty_inputs import (
    IMAGE,
    IMAGES,
    PATCHES,
    RECONSTRUCTION,
    SIDE,
    WEIGHTS,
    built,
    constant,
    inputs,
    linear,
    quadratic,
    terms,
    value,
)

GRADIENT_PENALTIES = ("gp", "lp", "div", "r1", "r2", "dragan", "maxgp")
SQUARED_WEIGHTS = WEIGHTS.square().sum().item()
"""The squared gradient norm of one patch's logit under the linear discriminator."""

COSTS: dict[str, Callable[[float], float]] = {
    "gp": lambda norm: 10 * (norm - 1) ** 2,
    "lp": lambda norm: 10 * max(norm - 1, 0) ** 2,
    "div": lambda norm: 2 * norm**6,
    "r1": lambda norm: 5 * norm**2,
    "r2": lambda norm: 5 * norm**2,
    "dragan": lambda norm: 10 * (norm - 1) ** 2,
    "maxgp": lambda norm: 10 * norm**2,
}
"""Each penalty with its published weight, as a function of a gradient norm that is the same everywhere."""


@pytest.mark.parametrize("name", GRADIENT_PENALTIES)
@pytest.mark.parametrize(("reduction", "share"), [("mean", 1 / PATCHES), ("sum", PATCHES), ("sqrt", 1.0)])
def test_a_linear_discriminator_costs_what_its_weights_say(name: str, reduction: str, share: float) -> None:
    for scale in (0.5, 4.0):
        norm = scale * math.sqrt(share * SQUARED_WEIGHTS)
        penalized = value(name, inputs(linear(scale * WEIGHTS)), reduction=reduction)
        assert penalized == pytest.approx(COSTS[name](norm), rel=1e-9)


def test_squared_norms_grow_as_the_square_of_patches_when_summed_and_as_patches_over_their_root() -> None:
    for name in ("r1", "r2", "maxgp"):
        mean, total, root = (value(name, inputs(linear()), reduction=each) for each in ("mean", "sum", "sqrt"))
        assert total / mean == pytest.approx(PATCHES**2)
        assert root / mean == pytest.approx(PATCHES)


def test_mean_is_the_default_over_patches_and_the_whole_image_over_pixels() -> None:
    for name in GRADIENT_PENALTIES:
        assert value(name, inputs(quadratic(40.0))) == value(
            name, inputs(quadratic(40.0)), reduction="mean", norm="sample"
        )


@pytest.mark.parametrize("name", GRADIENT_PENALTIES)
def test_pixelwise_norms_are_taken_over_channels(name: str) -> None:
    norms = WEIGHTS[0].square().sum(0).sqrt().flatten().tolist()
    expected = [COSTS[name](each) for each in norms]
    together = max(expected) if name == "maxgp" else sum(expected) / len(expected)
    assert value(name, inputs(linear()), norm="pixel", reduction="sum") == pytest.approx(together, rel=1e-9)


def test_pixelwise_r1_is_the_samplewise_one_over_the_number_of_pixels() -> None:
    pixel, sample = (value("r1", inputs(quadratic()), norm=norm) for norm in ("pixel", "sample"))
    assert sample / pixel == pytest.approx(SIDE**2)


def test_half_halves_and_only_r1_and_r2_have_it_by_default() -> None:
    for name in GRADIENT_PENALTIES:
        whole, half = (value(name, inputs(linear(8 * WEIGHTS)), half=each) for each in (False, True))
        default = value(name, inputs(linear(8 * WEIGHTS)))
        assert half == pytest.approx(whole / 2)
        assert default == (half if name in ("r1", "r2") else whole)


def test_r1_looks_at_images_and_r2_at_reconstructions() -> None:
    slope = 3.0
    for name, images in (("r1", IMAGE), ("r2", RECONSTRUCTION)):
        squared = slope**2 * images.square().sum().item() / IMAGES
        assert value(name, inputs(quadratic(slope)), reduction="sum") == pytest.approx(10 / 2 * squared)
        assert value(name, inputs(quadratic(slope))) == pytest.approx(10 / 2 * squared / SIDE**4)


def seen(name: str, **options: object) -> Tensor:
    """The images that a penalty hands to the discriminators."""
    images = []

    def spy(x: Tensor) -> list[Tensor]:
        images.append(x.detach().clone())
        return quadratic()(x)

    watched = inputs(spy)
    images.clear()
    terms(built(name, options), watched)
    (only,) = images
    return only


@pytest.mark.parametrize("name", ["gp", "lp", "div", "maxgp"])
def test_interpolates_lie_between_each_image_and_its_reconstruction_with_one_share_an_image(name: str) -> None:
    shares = (seen(name) - RECONSTRUCTION) / (IMAGE - RECONSTRUCTION)
    assert shares.flatten(1).std(1).max() < 1e-9
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares[:, 0, 0, 0].unique().numel() == IMAGES
    assert torch.allclose(shares[:, 0, 0, 0].float(), torch.rand(IMAGES, generator=stream(0, "penalty")))


def test_values_at_interpolates_are_those_of_a_quadratic_discriminator() -> None:
    norms = seen("gp").flatten(1).norm(dim=1)
    slope = 1 / norms.median().item()
    norms = slope * norms
    costs = {
        "gp": 10 * (norms - 1).square().mean(),
        "lp": 10 * (norms - 1).clamp(min=0).square().mean(),
        "div": 2 * norms.pow(6).mean(),
        "maxgp": 10 * norms.max().square(),
    }
    assert norms.min() < 1 < norms.max()
    for name, expected in costs.items():
        assert value(name, inputs(quadratic(slope)), reduction="sum") == pytest.approx(expected.item())


def test_the_power_of_div_is_the_power_of_the_norm() -> None:
    norm = math.sqrt(PATCHES * SQUARED_WEIGHTS)
    assert value("div", inputs(linear()), power=3.0, weight=7.0, reduction="sum") == pytest.approx(7 * norm**3)


def test_the_authors_dragan_brightens_by_up_to_half_a_deviation_of_the_batch() -> None:
    draws = stream(0, "penalty")
    alpha, noise = torch.rand(IMAGES, 1, 1, 1, generator=draws), torch.rand(IMAGE.shape, generator=draws)
    deviation = math.sqrt((IMAGE - IMAGE.mean()).square().mean().item())
    moved = seen("dragan", variant="author") - IMAGE
    assert moved.min() >= 0
    assert torch.allclose(moved, 0.5 * deviation * alpha.double() * noise.double())


def test_the_dragan_of_compare_gan_is_centered_and_clipped_to_the_range_of_images() -> None:
    noise = torch.rand(IMAGE.shape, generator=stream(0, "penalty")).double() - 0.5
    deviation = math.sqrt((IMAGE - IMAGE.mean()).square().mean().item())
    images = seen("dragan", variant="compare_gan")
    assert torch.allclose(images, (IMAGE + deviation * noise).clamp(-1, 1))
    assert images.min() == -1
    assert images.max() == 1


@pytest.mark.parametrize("name", GRADIENT_PENALTIES)
@pytest.mark.parametrize("norm", ["sample", "pixel"])
def test_a_discriminator_that_sees_nothing_has_a_finite_penalty_and_a_finite_gradient(name: str, norm: str) -> None:
    weights = torch.zeros_like(WEIGHTS).requires_grad_()
    (term,) = terms(built(name, {"norm": norm}), inputs(linear(weights)))
    term.backward()
    assert term.item() == pytest.approx(10.0 if name in ("gp", "dragan") else 0.0, abs=1e-4)
    assert weights.grad is not None
    assert weights.grad.isfinite().all()
    assert value(name, inputs(constant()), norm=norm) == term.item()


def test_descending_a_penalty_moves_the_gradient_norm_where_it_should_be() -> None:
    for name, scale, way in (("gp", 0.1, 1), ("gp", 10.0, -1), ("dragan", 0.1, 1), ("lp", 10.0, -1), ("r1", 1.0, -1)):
        weights = (scale * WEIGHTS).requires_grad_()
        (term,) = terms(built(name, {"reduction": "sqrt"}), inputs(linear(weights)))
        (gradient,) = torch.autograd.grad(term, weights)
        assert -way * (gradient * weights).sum() > 0, (name, scale)


def test_several_scales_are_penalized_each_for_itself() -> None:
    both = inputs(lambda x: [*linear(8 * WEIGHTS)(x), *quadratic(40.0)(x)])
    for name in GRADIENT_PENALTIES:
        alone = [value(name, inputs(logits)) for logits in (linear(8 * WEIGHTS), quadratic(40.0))]
        both.stream.manual_seed(stream(0, "penalty").initial_seed())
        assert [term.item() for term in terms(built(name), both)] == pytest.approx(alone), name


def test_a_choice_that_does_not_exist_is_refused_with_those_that_do() -> None:
    for options, message in (
        ({"reduction": "max"}, "there is: mean, sum, sqrt"),
        ({"norm": "pixels"}, "did you mean 'pixel'"),
        ({"variant": "studiogan"}, "there is: author, compare_gan"),
        ({"every": 0}, "not every 0"),
    ):
        with pytest.raises(ValueError, match=message):
            built("dragan", options)
