from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from ablate.metrics import MIN_SIDE_MS_SSIM, ms_ssim, ms_ssim_3, similarity_decibels, ssim

AGREEMENT = 1e-12
"""Two float64 evaluations of one formula in different order: sums of some 1e5 terms of size 1."""


def windowed(plane: np.ndarray) -> np.ndarray:
    """Averages under scipy's Gaussian of deviation 1.5, cut off at 5 pixels; only windows inside the plane."""
    return gaussian_filter(plane, sigma=1.5, truncate=3.5)[5:-5, 5:-5]


def naive_similarity_and_contrast(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Evaluates Wang's formula as it is printed on two float64 planes."""
    mean_x, mean_y = windowed(x), windowed(y)
    variance_x, variance_y = windowed(x * x) - mean_x**2, windowed(y * y) - mean_y**2
    covariance = windowed(x * y) - mean_x * mean_y
    contrast = (2 * covariance + 58.5225) / (variance_x + variance_y + 58.5225)
    luminance = (2 * mean_x * mean_y + 6.5025) / (mean_x**2 + mean_y**2 + 6.5025)
    return (luminance * contrast).mean(), contrast.mean()


def naive_half(plane: np.ndarray) -> np.ndarray:
    """Averages 2x2 pixels; an odd side is padded with a zero at both ends, and what then is left over is dropped."""
    padded = np.pad(plane, [(side % 2, side % 2) for side in plane.shape])
    height, width = padded.shape[0] // 2, padded.shape[1] // 2
    return padded[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def naive_ms_ssim(original: torch.Tensor, reconstruction: torch.Tensor) -> float:
    values = []
    for pair in zip(original.double().numpy(), reconstruction.double().numpy(), strict=True):
        (x, y), value = pair, 1.0
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            if scale:
                x, y = naive_half(x), naive_half(y)
            similarity, contrast = naive_similarity_and_contrast(x, y)
            value *= max(similarity if scale == 4 else contrast, 0) ** weight
        values.append(value)
    return float(np.mean(values))


def altered(image: torch.Tensor, kind: str) -> torch.Tensor:
    if kind == "noise":
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0)) * 10
        return (image + noise).round().clamp(0, 255).byte()
    if kind == "blur":
        return F.avg_pool2d(image[None].float(), 5, 1, 2)[0].round().byte()
    assert kind == "inverted"
    return 255 - image


@pytest.mark.parametrize("kind", ["noise", "blur", "inverted"])
def test_ssim_agrees_with_scikit_image(coffee: torch.Tensor, kind: str) -> None:
    for size in ((400, 600), (257, 301), (11, 64)):
        original = coffee[:, : size[0], : size[1]]
        expected = structural_similarity(
            original.numpy().astype(float),
            altered(original, kind).numpy().astype(float),
            channel_axis=0,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert ssim(original[None], altered(original, kind)[None]).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", ["noise", "blur"])
@pytest.mark.parametrize("size", [(256, 256), (161, 161), (257, 301), (163, 450), (300, 451)])
def test_ms_ssim_agrees_with_a_naive_evaluation_at_even_and_odd_sizes(
    chelsea: torch.Tensor, kind: str, size: tuple[int, int]
) -> None:
    original = chelsea[:, : size[0], : size[1]]
    value = ms_ssim(original[None], altered(original, kind)[None])
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(naive_ms_ssim(original, altered(original, kind)), abs=AGREEMENT)


def test_flat_images_by_hand() -> None:
    grey, brighter = torch.full((1, 3, 192, 192), 100).byte(), torch.full((1, 3, 192, 192), 110).byte()
    luminance = (2 * 100 * 110 + 6.5025) / (100**2 + 110**2 + 6.5025)
    assert ssim(grey, brighter).item() == pytest.approx(luminance, abs=1e-12)
    # no contrast anywhere, and sizes are even down to the coarsest scale: its luminance alone remains
    assert ms_ssim(grey, brighter).item() == pytest.approx(luminance**0.1333, abs=1e-12)


def test_a_nearly_flat_pair_keeps_its_digits() -> None:
    # float32 loses the variance of such images and gives 0.99986
    flat, other = torch.full((1, 3, 256, 256), 128).byte(), torch.full((1, 3, 256, 256), 129).byte()
    assert ms_ssim(flat, other).item() == pytest.approx(0.99999596, abs=1e-8)


def test_identical_images_have_similarity_one(chelsea: torch.Tensor) -> None:
    assert ssim(chelsea[None], chelsea[None]).item() == pytest.approx(1, abs=AGREEMENT)
    assert ms_ssim(chelsea[None], chelsea[None]).item() == pytest.approx(1, abs=AGREEMENT)


def test_a_negative_mean_contrast_counts_as_zero(chelsea: torch.Tensor) -> None:
    assert ms_ssim(chelsea[None], altered(chelsea, "inverted")[None]).item() == 0


def test_each_image_of_a_batch_has_its_own_value(chelsea: torch.Tensor) -> None:
    originals = torch.stack([chelsea, chelsea])
    reconstructions = torch.stack([altered(chelsea, "noise"), altered(chelsea, "blur")])
    for metric in (ssim, ms_ssim):
        alone = [metric(originals[n : n + 1], reconstructions[n : n + 1]).item() for n in range(2)]
        assert metric(originals, reconstructions).tolist() == alone
        assert alone[0] != alone[1]


@pytest.mark.parametrize("size", [(160, 400), (400, 160)])
def test_ms_ssim_is_refused_where_five_scales_do_not_exist(coffee: torch.Tensor, size: tuple[int, int]) -> None:
    image = coffee[None, :, : size[0], : size[1]]
    with pytest.raises(ValueError, match=f"undefined for images of {size[0]}x{size[1]} pixels: .* 161 or more"):
        ms_ssim(image, image)
    assert MIN_SIDE_MS_SSIM == 161


def test_similarity_in_decibels_by_hand() -> None:
    similarity = torch.tensor([0.9, 0.99, 0.0, 1.0, 1 - 1e-15, 1 - 1e-13], dtype=torch.float64)
    expected = torch.tensor([10.0, 20.0, 0.0, torch.inf, torch.inf, 130.0], dtype=torch.float64)
    # 1 - 1e-13 is itself a rounding of 1e-16 off.
    torch.testing.assert_close(similarity_decibels(similarity), expected, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("size", [(40, 400), (400, 40)])
def test_three_scales_are_refused_where_they_do_not_exist(coffee: torch.Tensor, size: tuple[int, int]) -> None:
    image = coffee[None, :, : size[0], : size[1]]
    with pytest.raises(ValueError, match=f"undefined for images of {size[0]}x{size[1]} pixels: .* 41 or more"):
        ms_ssim_3(image, image)
    assert ms_ssim_3(coffee[None, :, :41, :41], coffee[None, :, :41, :41]).item() == pytest.approx(1)


def test_ssim_is_refused_where_the_window_does_not_fit(coffee: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="both sides must be 11 or more"):
        ssim(coffee[None, :, :10], coffee[None, :, :10])


def test_float_images_are_refused(coffee: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        ms_ssim(coffee[None] / 255, coffee[None] / 255)
