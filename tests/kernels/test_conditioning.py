"""MS-SSIM between an image and a good reconstruction, where 1 - MS-SSIM has few digits of float32 left."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ablate.kernels import Backend, Gradients, backends

HERE = [each for each in backends("ms_ssim") if each.unavailable("cpu") is None]


@functools.cache
def pairs() -> list[tuple[Tensor, Tensor, Gradients]]:
    """Returns images and reconstructions at 1 - MS-SSIM = 3e-5, with what float64 says of them."""
    made = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        smooth = gaussian_filter(random.standard_normal((1, 3, 176, 192)), (0, 0, 3, 3)) * 6
        image = torch.from_numpy(smooth).clamp(-1, 1).float()
        reconstruction = image + 0.005 * torch.from_numpy(random.standard_normal(smooth.shape)).float()
        expected = backends("ms_ssim")[0].build()([image.double()], [reconstruction.double()])
        assert 2e-5 < float(expected.value) < 4e-5
        made.append((image, reconstruction, expected))
    return made


def worst(errors: Iterator[tuple[float, float]]) -> tuple[float, float]:
    values, gradients = zip(*errors, strict=True)
    return max(values), max(gradients)


def errors(backend: Backend) -> Iterator[tuple[float, float]]:
    """Yields the relative errors of value and gradient."""
    for image, reconstruction, expected in pairs():
        found = backend.build()([image], [reconstruction])
        yield (
            abs(float(found.value / expected.value) - 1),
            float((found.reconstruction[0] - expected.reconstruction[0]).norm() / expected.reconstruction[0].norm()),
        )


def errors_of_pytorch_msssim() -> Iterator[tuple[float, float]]:
    peer = pytest.importorskip("pytorch_msssim")
    for image, reconstruction, expected in pairs():
        x, y = (image + 1) / 2, ((reconstruction + 1) / 2).requires_grad_()
        value = 1 - peer.ms_ssim(x, y, data_range=1.0)
        (gradient,) = torch.autograd.grad(value, y)
        wanted = 2 * expected.reconstruction[0]
        yield abs(value.item() / float(expected.value) - 1), float((gradient - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("backend", HERE, ids=[each.name for each in HERE])
def test_a_small_loss_keeps_six_digits(backend: Backend) -> None:
    value, gradient = worst(errors(backend))
    assert value < 2e-6
    assert gradient < 2e-5


@pytest.mark.parametrize("backend", HERE, ids=[each.name for each in HERE])
def test_a_small_loss_is_at_least_50_times_nearer_than_pytorch_msssims(backend: Backend) -> None:
    value, gradient = worst(errors(backend))
    peers_value, peers_gradient = worst(errors_of_pytorch_msssim())
    assert peers_value > 50 * value
    assert peers_gradient > 4 * gradient
