"""Penalties on what discriminators say of neighbours, of transformed images, and of themselves before."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ablate.losses.consistency import transformed
from ablate.losses.penalized import Memory
from ablate.rng import stream
from tests.losses.penalty_inputs import (
    IMAGE,
    IMAGES,
    PATCHES,
    RECONSTRUCTION,
    Curved,
    Logits,
    built,
    inputs,
    linear,
    quadratic,
    terms,
    value,
)


@pytest.mark.parametrize(("name", "images"), [("ar1", IMAGE), ("ar2", RECONSTRUCTION)])
def test_noisy_neighbours_are_compared_by_the_score_of_the_whole_image(name: str, images: Tensor) -> None:
    noise = torch.randn(images.shape, generator=stream(0, "penalty")).double()
    here, there = (each.square().sum((1, 2, 3)) / 2 for each in (images, images + 0.01 * noise))
    expected = 100 * (here - there).square().mean().item()
    assert value(name, inputs(quadratic()), reduction="sum") == pytest.approx(expected)


@pytest.mark.parametrize(("name", "gradient_penalty"), [("ar1", "r1"), ("ar2", "r2")])
def test_noisy_neighbours_tend_to_the_gradient_penalty_times_the_variance_of_the_noise(
    name: str, gradient_penalty: str
) -> None:
    # One image under 4000 noises: the mean of as many squares of normal numbers is known to 2.2% (one deviation).
    often = inputs(Curved(), IMAGE[:1].repeat(4000, 1, 1, 1), RECONSTRUCTION[:1].repeat(4000, 1, 1, 1))
    exact = terms(built(gradient_penalty, {"weight": 1.0, "half": False}), often)
    for sigma in (0.01, 0.0001):
        approximated = terms(built(name, {"weight": 1.0, "sigma": sigma}), often)
        for one, other in zip(approximated, exact, strict=True):
            assert one.item() / sigma**2 == pytest.approx(other.item(), rel=0.09)


def test_one_noise_at_a_vanishing_sigma_is_the_squared_directional_derivative() -> None:
    noise = torch.randn(IMAGE.shape, generator=stream(0, "penalty")).double()
    derivative = (IMAGE * noise).sum((1, 2, 3))
    approximated = value("ar1", inputs(quadratic()), sigma=1e-6, weight=1e12, reduction="sum")
    assert approximated == pytest.approx(derivative.square().mean().item(), rel=1e-4)


@pytest.mark.parametrize("name", ["ar1", "ar2", "cr", "bcr"])
def test_scores_of_more_patches_grow_as_the_reduction_says(name: str) -> None:
    mean, total, root = (value(name, inputs(linear()), reduction=each) for each in ("mean", "sum", "sqrt"))
    assert total / mean == pytest.approx(PATCHES**2)
    assert root / mean == pytest.approx(PATCHES)


def by_padding(images: Tensor, down: int, right: int, mirrored: bool) -> Tensor:
    """The transformation as one would write it for a single image."""
    margin, (height, width) = 2, images.shape[-2:]
    padded = nn.functional.pad(images.flip(-1) if mirrored else images, (margin,) * 4, mode="reflect")
    return padded[..., margin + down : margin + down + height, margin + right : margin + right + width]


def test_each_image_is_flipped_and_moved_for_itself_with_what_reflects_at_the_border() -> None:
    images = torch.arange(64 * 3 * 8 * 8, dtype=torch.float64).reshape(64, 3, 8, 8)
    moved = transformed(inputs(quadratic()), images, flip=True, translation=0.25)
    found = set()
    for image, result in zip(images, moved, strict=True):
        matches = {
            (down, right, mirrored)
            for down in range(-2, 3)
            for right in range(-2, 3)
            for mirrored in (False, True)
            if by_padding(image[None], down, right, mirrored)[0].equal(result)
        }
        assert len(matches) == 1
        found |= matches
    assert {down for down, _, _ in found} == set(range(-2, 3))
    assert {right for _, right, _ in found} == set(range(-2, 3))
    assert {mirrored for _, _, mirrored in found} == {False, True}


def test_without_flip_and_translation_an_image_stays_what_it_is() -> None:
    assert transformed(inputs(quadratic()), IMAGE, flip=False, translation=0.0).equal(IMAGE)
    assert value("cr", inputs(quadratic()), flip=False, translation=0.0) == 0
    flipped = transformed(inputs(quadratic()), IMAGE, flip=True, translation=0.0)
    for one, other in zip(IMAGE, flipped, strict=True):
        assert other.equal(one) or other.equal(one.flip(-1))


def test_consistency_is_the_squared_change_of_scores_on_images_and_balanced_on_both() -> None:
    def score(images: Tensor) -> Tensor:
        return linear()(images)[0].mean((1, 2, 3))

    moved = transformed(inputs(linear()), IMAGE, flip=True, translation=0.125)
    expected = 10 * (score(IMAGE) - score(moved)).square().mean().item()
    assert value("cr", inputs(linear())) == pytest.approx(expected)

    both = torch.cat([IMAGE, RECONSTRUCTION])
    moved = transformed(inputs(linear()), both, flip=True, translation=0.125)
    image, reconstruction = (score(both) - score(moved)).square().reshape(2, IMAGES).mean(1).tolist()
    expected = 10 * image + 10 * reconstruction
    assert value("bcr", inputs(linear())) == pytest.approx(expected)
    weighed = value("bcr", inputs(linear()), weight=2.0, reconstruction_weight=3.0)
    assert weighed == pytest.approx(2 * image + 3 * reconstruction)


def said(real: list[float], fake: list[float]) -> Logits:
    """A discriminator that says these of images and of reconstructions, whatever they are."""
    answers = {IMAGE.data_ptr(): real, RECONSTRUCTION.data_ptr(): fake}
    return lambda x: [torch.tensor(answers[x.data_ptr()], dtype=torch.float64).reshape(-1, 1, 1, 1)]


def test_lecam_holds_each_side_to_the_running_average_of_the_other() -> None:
    memory: Memory = {}
    first = value("lecam", inputs(said([1.0, 3.0], [-1.0, 0.5]), memory=memory), weight=0.5, decay=0.9)
    assert first == pytest.approx(0.5 * ((1.25**2 + 3.25**2) / 2 + (3.0**2 + 1.5**2) / 2))
    second = value("lecam", inputs(said([0.0, -2.0], [2.0, 1.0]), memory=memory), weight=0.5, decay=0.9)
    real_average, fake_average = 0.9 * 2.0 + 0.1 * -1.0, 0.9 * -0.25 + 0.1 * 1.5
    assert memory["real"].tolist() == pytest.approx([real_average])
    assert memory["fake"].tolist() == pytest.approx([fake_average])
    real = [max(0.0 - fake_average, 0), max(-2.0 - fake_average, 0)]
    fake = [max(real_average - 2.0, 0), max(real_average - 1.0, 0)]
    expected = sum(each**2 for each in real) / 2 + sum(each**2 for each in fake) / 2
    assert second == pytest.approx(0.5 * expected)


def test_lecam_goes_on_from_a_copied_memory_as_if_it_had_never_stopped() -> None:
    curved, memory = Curved(), {}
    steps = [IMAGE, 2 * IMAGE, -IMAGE, IMAGE.flip(0)]

    def step(image: Tensor, kept: Memory) -> list[float]:
        return [term.item() for term in terms(built("lecam"), inputs(curved, image=image, memory=kept))]

    for image in steps[:2]:
        step(image, memory)
    copied = {name: kept.clone() for name, kept in memory.items()}
    assert not any(kept.requires_grad for kept in memory.values())
    uninterrupted = [step(image, memory) for image in steps[2:]]
    assert [step(image, copied) for image in steps[2:]] == uninterrupted
    assert step(steps[2], {}) != uninterrupted[0]


def test_lecam_keeps_one_average_for_each_scale_and_leaves_no_other_memory() -> None:
    memory: Memory = {}
    terms(built("lecam"), inputs(Curved(), memory=memory))
    assert {name: tuple(kept.shape) for name, kept in memory.items()} == {"real": (2,), "fake": (2,)}


def test_drift_is_the_mean_square_of_the_logits_of_images() -> None:
    looked_at = inputs(linear())
    expected = 0.001 * looked_at.real[0].square().mean().item()
    assert value("drift", looked_at) == pytest.approx(expected)
    assert value("drift", replace(looked_at, fake=[math.inf * each for each in looked_at.fake])) == value(
        "drift", looked_at
    )


def test_clip_leaves_every_weight_within_the_bound_and_touches_no_other() -> None:
    curved = Curved()
    before = [weight.detach().clone() for weight in curved.parameters()]
    penalty = built("clip", {"bound": 0.5})
    assert penalty.constrain is not None
    assert penalty.term is None
    penalty.constrain(curved)
    for was, weight in zip(before, curved.parameters(), strict=True):
        assert weight.detach().equal(was.clamp(-0.5, 0.5))
        assert weight.requires_grad
        assert weight.grad is None
    assert any(was.abs().max() > 0.5 for was in before)
    assert any(was.abs().min() < 0.5 for was in before)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ar1", {"sigma": 0.0}),
        ("ar2", {"reduction": "none"}),
        ("cr", {"translation": 1.0}),
        ("bcr", {"translation": -0.1}),
        ("lecam", {"decay": 1.0}),
        ("clip", {"bound": 0.0}),
    ],
)
def test_an_option_that_means_nothing_is_refused(name: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        built(name, options)
