"""Augmentations of what discriminators see: as published, differentiable, and no more than they say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.discriminators.augmentations import Augmentation
from ablate.discriminators.catalogue import augmentations
from ablate.losses.by_name import built
from ablate.rng import stream

NAMES = list(augmentations)


def images(side: int = 16, count: int = 3) -> Tensor:
    return torch.rand(count, 3, side, side, generator=stream(0, "test.augment"), dtype=torch.float64) * 2 - 1


def made(name: str, **options: Any) -> Augmentation:
    return built(augmentations, name, options)


def numbers(augmentation: Augmentation, count: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(count, augmentation.draws, generator=stream(seed, "test.draws"))


@pytest.mark.parametrize("name", NAMES)
def test_each_keeps_the_shape_changes_every_image_by_its_own_draws_and_repeats(name: str) -> None:
    one, x = made(name), images()
    drawn = numbers(one)
    found = one.apply(x, drawn)
    assert found.shape == x.shape
    assert all(not torch.equal(a, b) for a, b in zip(found, x, strict=True))
    assert torch.equal(found, one.apply(x, drawn))
    for index in range(3):
        assert torch.allclose(found[index], one.apply(x[index : index + 1], drawn[index : index + 1])[0])
    assert not torch.equal(found, one.apply(x, numbers(one, seed=1)))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_pass_through_each(name: str) -> None:
    one = made(name)
    drawn, x = numbers(one, 1), images(6, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: one.apply(x, drawn), x)


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_formula_and_a_source(name: str) -> None:
    assert augmentations[name].formula
    assert "Zhao et al. 2020" in augmentations[name].source
    assert (augmentations[name].function.__doc__ or "").strip()


def test_color_shifts_and_scales_as_published() -> None:
    x, middle = images(), torch.full((3, 3), 0.5)
    color = made("color")
    torch.testing.assert_close(color.apply(x, middle), x)
    bright = middle.clone()
    bright[:, 0] = 1.0
    torch.testing.assert_close(color.apply(x, bright), x + 0.5)
    grey = middle.clone()
    grey[:, 1] = 0.0
    torch.testing.assert_close(color.apply(x, grey), x.mean(1, keepdim=True).expand_as(x))
    flat = middle.clone()
    flat[:, 2] = 0.0
    mean = x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(color.apply(x, flat), mean + 0.5 * (x - mean))


def test_translation_moves_whole_pixels_by_up_to_its_ratio_and_fills_with_grey() -> None:
    x, seen = images(16), set()
    for drawn in torch.linspace(0, 0.999, 50):
        found = made("translation").apply(x, torch.tensor([[drawn, 0.5]] * 3))
        (shift,) = (shift for shift in range(-16, 17) if torch.equal(found, shifted(x, shift)))
        seen.add(shift)
    assert seen == {-2, -1, 0, 1, 2}


def shifted(x: Tensor, rows: int) -> Tensor:
    """Returns what is `rows` below each row, 0 where there is nothing."""
    padded = torch.nn.functional.pad(x, (0, 0, 16, 16))
    return padded[:, :, 16 + rows : 32 + rows]


@pytest.mark.parametrize("side", [16, 15])
def test_cutout_greys_a_square_of_its_ratio_that_may_reach_over_the_border(side: int) -> None:
    x, sizes = images(side) + 3, set()
    for drawn in torch.linspace(0, 0.999, 60):
        hole = made("cutout").apply(x, torch.full((3, 2), float(drawn))) == 0
        rows = hole.any(1).any(2).sum(1)
        assert torch.equal(hole.sum((1, 2, 3)), 3 * rows**2)
        sizes.add(int(rows[0]))
    assert max(sizes) == int(side / 2 + 0.5)
    assert min(sizes) == max(sizes) // 2


@pytest.mark.parametrize("name", ["translation", "cutout"])
def test_the_ratio_changes_what_is_done(name: str) -> None:
    x = images()
    drawn = numbers(made(name))
    assert not torch.equal(made(name).apply(x, drawn), made(name, ratio=0.25).apply(x, drawn))


@pytest.mark.parametrize("ratio", [0.0, 1.5])
def test_a_ratio_that_is_no_share_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=r"out of range .* above 0 and at most 1"):
        made("cutout", ratio=ratio)
