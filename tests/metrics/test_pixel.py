from __future__ import annotations

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from ablate.metrics import psnr, sse


def noisy(images: torch.Tensor, sigma: float, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed)) * sigma
    return (images + noise).round().clamp(0, 255).to(torch.uint8)


def test_the_squared_error_is_an_exact_integer_of_each_image() -> None:
    black, white = torch.zeros(2, 3, 1000, 1000, dtype=torch.uint8), torch.full((2, 3, 1000, 1000), 255).byte()
    white[1] = 0
    white[1, 0, 0, 0] = 3
    assert sse(black, white).tolist() == [3_000_000 * 255**2, 9]
    assert sse(white, black).tolist() == sse(black, white).tolist()


def test_psnr_agrees_with_scikit_image(chelsea: torch.Tensor) -> None:
    for sigma in (0.5, 5, 50):
        altered = noisy(chelsea, sigma)
        expected = peak_signal_noise_ratio(chelsea.numpy(), altered.numpy(), data_range=255)
        assert psnr(chelsea[None], altered[None]).item() == pytest.approx(expected, abs=1e-10)


def test_psnr_by_hand() -> None:
    original = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    altered = original.clone()
    altered[0, 1, 0, 1] = 51  # an MSE of 51^2 / 12, and 255 / 51 = 5
    value = psnr(original, altered)
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(10 * math.log10(25 * 12), abs=1e-12)


def test_each_image_has_its_own_psnr(chelsea: torch.Tensor) -> None:
    originals = torch.stack([chelsea, chelsea])
    altered = torch.stack([noisy(chelsea, 2), noisy(chelsea, 30)])
    values = psnr(originals, altered)
    assert values.tolist() == [psnr(originals[n : n + 1], altered[n : n + 1]).item() for n in range(2)]
    assert values[0] > values[1]


def test_identical_images_have_no_error_and_an_infinite_psnr(chelsea: torch.Tensor) -> None:
    assert sse(chelsea[None], chelsea[None]).tolist() == [0]
    assert psnr(chelsea[None], chelsea[None]).tolist() == [math.inf]


@pytest.mark.parametrize(
    ("originals", "reconstructions", "message"),
    [
        (torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4).byte(), r"originals must be uint8 .* not torch.float32"),
        (torch.zeros(1, 3, 4, 4).byte(), torch.zeros(1, 3, 4, 4), r"reconstructions must be uint8"),
        (torch.zeros(3, 4, 4).byte(), torch.zeros(3, 4, 4).byte(), r"must be uint8 \(N, C, H, W\)"),
        (torch.zeros(0, 3, 4, 4).byte(), torch.zeros(0, 3, 4, 4).byte(), r"not empty"),
        (torch.zeros(2, 3, 4, 4).byte(), torch.zeros(1, 3, 4, 4).byte(), r"differ in shape"),
    ],
)
def test_anything_but_equally_large_8_bit_images_is_refused(
    originals: torch.Tensor, reconstructions: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        psnr(originals, reconstructions)
