"""Pixel distortions against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ablate.losses.catalogue import distortions

IMAGE = torch.tensor([1.0, 0.0, -1.0, 0.5], dtype=torch.float64).reshape(1, 1, 2, 2)
RECONSTRUCTION = torch.tensor([0.0, 0.0, 1.0, 0.25], dtype=torch.float64).reshape(1, 1, 2, 2)


def value(name: str, **options: float) -> float:
    return distortions[name].function(**options)(IMAGE, RECONSTRUCTION).item()


def test_distortions_have_their_textbook_values() -> None:
    assert value("mse") == pytest.approx((1 + 0 + 4 + 0.0625) / 4)
    assert value("l1") == pytest.approx((1 + 0 + 2 + 0.25) / 4)


def test_charbonnier_squares_epsilon_under_the_root() -> None:
    roots = [math.sqrt(d * d + 0.09) for d in (1, 0, 2, 0.25)]
    assert value("charbonnier", epsilon=0.3) == pytest.approx(sum(roots) / 4)


def test_charbonnier_is_epsilon_between_equal_images_and_l1_far_from_them() -> None:
    charbonnier = distortions["charbonnier"].function(epsilon=0.01)
    assert charbonnier(IMAGE, IMAGE).item() == pytest.approx(0.01)
    assert charbonnier(IMAGE + 100, IMAGE).item() == pytest.approx(100, rel=1e-6)


def test_huber_is_a_parabola_below_beta_and_has_slope_1_beyond() -> None:
    assert value("huber", beta=0.5) == pytest.approx((0.75 + 0 + 1.75 + 0.0625 / 1) / 4)


def test_huber_approaches_l1_and_half_the_mse() -> None:
    assert value("huber", beta=1e-9) == pytest.approx(value("l1"))
    assert value("huber", beta=3.0) == pytest.approx(value("mse") / 6)


@pytest.mark.parametrize(("name", "option"), [("charbonnier", "epsilon"), ("huber", "beta")])
def test_a_threshold_of_zero_is_refused(name: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs an? {option} above 0, not 0"):
        distortions[name].function(**{option: 0.0})


def test_images_of_other_shapes_are_not_broadcast() -> None:
    with pytest.raises(AssertionError, match=r"\(1, 1, 2, 2\) and \(1, 1, 1, 2\)"):
        distortions["charbonnier"].function()(IMAGE, RECONSTRUCTION[..., :1, :])
