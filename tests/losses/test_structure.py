"""MS-SSIM and its mixture with L1, against Wang's formula on [0, 1] by scipy and against the metric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ablate import metrics
from ablate.losses import structure
from ablate.losses.catalogue import distortions

Plane = NDArray[np.float64]
WANG = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def pair(height: int, width: int, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth image in [-1, 1] and a noisy copy of less contrast, float64 (2, 3, height, width)."""
    random = np.random.default_rng(7)
    smooth = gaussian_filter(random.standard_normal((2, 3, height, width)), (0, 0, 3, 3)) * 6
    noisy = 0.8 * smooth + noise * random.standard_normal(smooth.shape) + 0.1
    return torch.from_numpy(smooth).clamp(-1, 1), torch.from_numpy(noisy).clamp(-1, 1)


def value(name: str, image: torch.Tensor, reconstruction: torch.Tensor, **options: Any) -> float:
    return distortions[name].function(**options)(image, reconstruction).item()


def windowed(plane: Plane) -> Plane:
    return gaussian_filter(plane, sigma=1.5, truncate=3.5)[5:-5, 5:-5]


def halved(plane: Plane) -> Plane:
    """Averages 2x2 pixels, an odd side having a black row or column before it."""
    height, width = plane.shape
    padded = np.pad(plane, [(height % 2, 0), (width % 2, 0)])
    return (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4


def similarity(x: Plane, y: Plane, levels: int) -> float:
    """Multi-scale similarity of two planes in [0, 1] as the formula is printed, with C1 = 0.01^2 and C2 = 0.03^2."""
    weights = WANG if levels == 5 else [weight / sum(WANG[:levels]) for weight in WANG[:levels]]
    product = 1.0
    for level, weight in enumerate(weights):
        mean_x, mean_y = windowed(x), windowed(y)
        variance_x, variance_y = windowed(x * x) - mean_x**2, windowed(y * y) - mean_y**2
        covariance = windowed(x * y) - mean_x * mean_y
        local = (2 * covariance + 9e-4) / (variance_x + variance_y + 9e-4)
        if level == levels - 1:
            local = local * (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
        product *= max(local.mean(), 0) ** weight
        x, y = halved(x), halved(y)
    return product


def mean_similarity(image: torch.Tensor, reconstruction: torch.Tensor, levels: int) -> float:
    planes = zip(image.flatten(0, 1).numpy(), reconstruction.flatten(0, 1).numpy(), strict=True)
    return float(np.mean([similarity((x + 1) / 2, (y + 1) / 2, levels) for x, y in planes]))


@pytest.mark.parametrize(("levels", "size"), [(1, (11, 14)), (2, (33, 40)), (3, (61, 53)), (5, (161, 163))])
def test_ms_ssim_agrees_with_wangs_formula(levels: int, size: tuple[int, int]) -> None:
    image, reconstruction = pair(*size, noise=0.1)
    expected = 1 - mean_similarity(image, reconstruction, levels)
    assert 0.005 < expected < 0.5
    assert value("ms_ssim", image, reconstruction, levels=levels) == pytest.approx(expected, rel=1e-9)


def test_on_images_of_256_levels_the_loss_is_one_minus_the_metric() -> None:
    image, reconstruction = (((x + 1) * 127.5).round().byte() for x in pair(165, 190, noise=0.2))
    expected = 1 - metrics.ms_ssim(image, reconstruction).mean().item()
    scaled = [x.double() / 127.5 - 1 for x in (image, reconstruction)]
    assert value("ms_ssim", *scaled) == pytest.approx(expected, rel=1e-9)
    assert value("ms_ssim", *(x.float() for x in scaled)) == pytest.approx(expected, rel=1e-5)


def test_a_nearly_equal_pair_keeps_its_digits_in_float32() -> None:
    image, _ = pair(165, 170, noise=0)
    reconstruction = image + 1e-2 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1)).double()
    expected = value("ms_ssim", image, reconstruction)
    assert expected < 1e-2
    assert value("ms_ssim", image.float(), reconstruction.float()) == pytest.approx(expected, abs=3e-7)


def test_flat_images_by_hand() -> None:
    grey, brighter = torch.zeros(1, 3, 176, 176, dtype=torch.float64), torch.full((1, 3, 176, 176), 0.2).double()
    luminance = (2 * 1 * 1.2 + 4e-4) / (1 + 1.2**2 + 4e-4)
    assert value("ms_ssim", grey, brighter) == pytest.approx(1 - luminance**0.1333, rel=1e-6)
    assert value("ms_ssim", grey, brighter, levels=1) == pytest.approx(1 - luminance, rel=1e-6)


@pytest.mark.parametrize("levels", [1, 2])
def test_an_inverted_plane_is_wholly_dissimilar_and_pulls_nowhere(levels: int) -> None:
    image, _ = pair(24, 24, noise=0)
    inverted = image.clone()
    inverted[:, 0] *= -1
    inverted.requires_grad_()
    loss = distortions["ms_ssim"].function(levels=levels)(image, inverted)
    loss.backward()
    assert loss.item() == pytest.approx(1 / 3)
    assert inverted.grad is not None
    assert (inverted.grad[:, 0] == 0).all()
    assert inverted.grad.isfinite().all()


def test_a_similarity_of_zero_or_less_counts_as_none_and_has_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    unlike = torch.tensor([1.25, 1.0, 0.75], requires_grad=True)
    monkeypatch.setattr(structure, "dissimilarity", lambda *_planes, luminance: unlike.reshape(1, 3, 1, 1))  # noqa: ARG005
    loss = structure.ms_ssim(levels=1)(torch.zeros(1, 3, 11, 11), torch.zeros(1, 3, 11, 11))
    loss.backward()
    assert loss.item() == pytest.approx((1 + 1 + 0.75) / 3)
    assert unlike.grad.tolist() == pytest.approx([0, 0, 1 / 3])


@pytest.mark.parametrize(("alpha", "levels"), [(0.84, 2), (0.3, 1)])
def test_the_mixture_is_made_of_ms_ssim_and_windowed_l1(alpha: float, levels: int) -> None:
    image, reconstruction = pair(26, 31, noise=0.1)
    absolute = (image - reconstruction).abs().flatten(0, 1).numpy()
    expected = (1 - alpha) * np.mean([windowed(plane) for plane in absolute])
    expected += alpha * (1 - mean_similarity(image, reconstruction, levels))
    got = value("l1_msssim", image, reconstruction, alpha=alpha, levels=levels)
    assert got == pytest.approx(expected, rel=1e-9)


def test_the_mixtures_alpha_is_zhaos() -> None:
    assert distortions["l1_msssim"].resolve({}) == {"alpha": 0.84, "levels": 5}


def test_smallest_sides_are_those_of_the_window() -> None:
    for name in ("ms_ssim", "l1_msssim"):
        side = distortions[name].facts["smallest_side"]
        assert [side(**distortions[name].resolve({"levels": n})) for n in (1, 2, 3, 4, 5)] == [11, 21, 41, 81, 161]


@pytest.mark.parametrize("levels", [0, 6])
def test_levels_that_wang_has_no_weights_for_are_refused(levels: int) -> None:
    with pytest.raises(ValueError, match=f"MS-SSIM has 1 to 5 levels, not {levels}"):
        distortions["l1_msssim"].function(levels=levels)


def test_a_mixture_beyond_its_parts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"alpha of 0 to 1, not 1\.5"):
        distortions["l1_msssim"].function(alpha=1.5)
