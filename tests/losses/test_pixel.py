"""Distortions against values worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from ablate.registry import distortions

IMAGE = torch.tensor([1.0, 0.0, -1.0, 0.5], dtype=torch.float64).reshape(1, 1, 2, 2)
RECONSTRUCTION = torch.tensor([0.0, 0.0, 1.0, 0.0], dtype=torch.float64).reshape(1, 1, 2, 2)


def test_distortions_have_their_textbook_values() -> None:
    assert distortions["mse"].function()(IMAGE, RECONSTRUCTION).item() == pytest.approx((1 + 0 + 4 + 0.25) / 4)
    assert distortions["l1"].function()(IMAGE, RECONSTRUCTION).item() == pytest.approx((1 + 0 + 2 + 0.5) / 4)


def test_charbonnier_is_epsilon_between_equal_images_and_l1_far_from_them() -> None:
    charbonnier = distortions["charbonnier"].function(epsilon=0.01)
    assert charbonnier(IMAGE, IMAGE).item() == pytest.approx(0.01)
    far = IMAGE + 100
    assert charbonnier(far, IMAGE).item() == pytest.approx(100, rel=1e-6)


def test_epsilon_changes_charbonnier() -> None:
    values = {distortions["charbonnier"].function(epsilon=e)(IMAGE, RECONSTRUCTION).item() for e in (1e-3, 1e-1)}
    assert len(values) == 2


@pytest.mark.parametrize("name", list(distortions))
def test_gradients_agree_with_finite_differences(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    image, reconstruction = (torch.randn(1, 3, 4, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    assert gradcheck(lambda x: distortions[name].function()(image, x), (reconstruction.requires_grad_(),))
