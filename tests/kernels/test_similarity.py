"""SSIM and MS-SSIM of images in any range by code that knows [-1, 1] alone."""

from __future__ import annotations

import pytest
import torch

from ablate.kernels.ms_ssim import closed_form
from ablate.kernels.ms_ssim.spec import Comparison
from ablate.kernels.similarity import similarity
from ablate.losses.structure import C1, C2, TAPS
from tests.kernels.ranges import in_range_of


@pytest.mark.parametrize("weights", [(0.4, 0.6), (0.0, 1.0), (0.3, 0.0, 0.9)])
def test_levels_of_any_weights_are_compared_in_any_range(weights: tuple[float, ...]) -> None:
    assert in_range_of(closed_form.planes, weights, (45, 43), clipped=True) is None


def test_a_single_level_is_compared_below_zero_too() -> None:
    assert in_range_of(closed_form.planes, (1.0,), (17, 19), clipped=False) is None


def test_what_only_the_definition_has_is_left_to_it() -> None:
    image = torch.rand(1, 1, 40, 40)
    usual = Comparison(TAPS, C1 / 4, C2 / 4, 0.0, (1.0,), 1.0)
    assert similarity(image, image, usual, 1.0) is not None
    assert similarity(image.double(), image.double(), usual, 1.0) is None
    assert similarity(image, image.to("meta"), usual, 1.0) is None
    assert similarity(image, image, usual._replace(taps=(0.2, 0.6, 0.2)), 1.0) is None
    assert similarity(image, image, usual._replace(weights=(0.2,) * 6, taps=TAPS[:1] + TAPS[:10]), 1.0) is None
