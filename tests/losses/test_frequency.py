"""The focal frequency loss against numpy's transform, and what its weight does to the gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ablate.losses.catalogue import distortions

RANDOM = np.random.default_rng(11)
IMAGE, RECONSTRUCTION = (RANDOM.uniform(-1, 1, (2, 3, 9, 12)) for _ in range(2))


def value(image: np.ndarray, reconstruction: np.ndarray, alpha: float) -> float:
    loss = distortions["focal_frequency"].function(alpha=alpha)
    return loss(torch.from_numpy(image), torch.from_numpy(reconstruction)).item()


def spectra() -> np.ndarray:
    """The amplitude of each image's and channel's error at each frequency, orthonormal."""
    return np.abs(np.fft.fft2(IMAGE) - np.fft.fft2(RECONSTRUCTION)) / np.sqrt(9 * 12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
def test_the_value_is_that_of_the_formula(alpha: float) -> None:
    per_plane = [np.mean((plane / plane.max()) ** alpha * plane**2) for plane in spectra().reshape(6, 9, 12)]
    assert value(IMAGE, RECONSTRUCTION, alpha) == pytest.approx(float(np.mean(per_plane)), rel=1e-10)


def test_without_focus_it_is_the_mse() -> None:
    assert value(IMAGE, RECONSTRUCTION, 0.0) == pytest.approx(float(np.mean((IMAGE - RECONSTRUCTION) ** 2)))


def test_it_grows_with_the_square_of_the_range() -> None:
    assert value(2 * IMAGE, 2 * RECONSTRUCTION, 1.0) == pytest.approx(4 * value(IMAGE, RECONSTRUCTION, 1.0))


def test_the_gradient_holds_the_weight_fixed() -> None:
    reconstruction = torch.from_numpy(RECONSTRUCTION).requires_grad_()
    distortions["focal_frequency"].function()(torch.from_numpy(IMAGE), reconstruction).backward()
    error = np.fft.fft2(RECONSTRUCTION - IMAGE, norm="ortho")
    weight = np.abs(error) / np.abs(error).max(axis=(2, 3), keepdims=True)
    expected = 2 * np.fft.ifft2(weight * error, norm="ortho").real / IMAGE.size
    assert reconstruction.grad is not None
    np.testing.assert_allclose(reconstruction.grad.numpy(), expected, rtol=0, atol=1e-12)


def test_a_negative_focus_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha of 0 or more, not -1"):
        distortions["focal_frequency"].function(alpha=-1.0)
