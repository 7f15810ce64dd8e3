"""Feature matching: the weight of its terms, and the sum over layers and scales."""

from __future__ import annotations

import pytest
import torch

from ablate.losses.catalogue import feature_matchings
from ablate.losses.matching import feature_matching


def total(name: str, scales: int, layers: int) -> float:
    """The sum over terms that are all 1."""
    real = [[torch.zeros(2, 3, 4, 4) for _ in range(layers)] for _ in range(scales)]
    fake = [[torch.ones(2, 3, 4, 4) for _ in range(layers)] for _ in range(scales)]
    return feature_matching(real=real, fake=fake, weight=feature_matchings[name].function()).item()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("source", {(3, 4): 12, (1, 4): 4, (2, 5): 10}),
        ("pix2pixhd", {(3, 4): 4, (1, 4): 4, (2, 5): 4}),
        ("spade", {(3, 4): 4, (1, 4): 4, (2, 5): 5}),
        ("none", {(3, 4): 0, (1, 4): 0, (2, 5): 0}),
    ],
)
def test_the_total_weight_grows_as_the_releases_have_it(name: str, expected: dict[tuple[int, int], float]) -> None:
    for (scales, layers), weight in expected.items():
        assert total(name, scales, layers) == pytest.approx(weight)


def test_the_forms_that_there_are() -> None:
    assert set(feature_matchings) == {"source", "pix2pixhd", "spade", "none"}


def test_terms_are_mean_absolute_differences_and_only_the_reconstructions_side_is_pulled() -> None:
    real, fake = ([[torch.randn(1, 2, side, side, requires_grad=True)] for side in (3, 2)] for _ in range(2))
    loss = feature_matching(real=real, fake=fake, weight=feature_matchings["spade"].function())
    loss.backward()
    expected = sum((f[0] - r[0]).abs().mean().item() for r, f in zip(real, fake, strict=True)) / 2
    assert loss.item() == pytest.approx(expected)
    assert all(layer.grad is None for scale in real for layer in scale)
    assert all(layer.grad is not None for scale in fake for layer in scale)


def test_features_of_bfloat16_are_compared_in_float32() -> None:
    fine = torch.linspace(0, 1, 1000).bfloat16().reshape(1, 10, 10, 10)
    found = feature_matching(real=[[torch.zeros_like(fine)]], fake=[[fine]], weight=lambda _scales, _layers: 1.0)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(fine.double().mean().item(), rel=1e-6)
