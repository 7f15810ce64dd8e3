from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import laplace

from ablate.metrics import metrics, psnr, sharpness, sharpness_ratio
from ablate.metrics.images.luma import luma
from tests.metrics.pairs import all_pairs, blur, jpeg, noise, photo

PAIRS = all_pairs()


def curvature(image: torch.Tensor) -> float:
    """The variance of scipy's Laplacian of a uint8 image (3, H, W), without the border that scipy makes up."""
    return float(laplace(luma(image[None])[0].numpy())[1:-1, 1:-1].var())


@pytest.mark.parametrize("name", PAIRS)
def test_sharpness_is_the_variance_of_scipys_laplacian(name: str) -> None:
    x, y = PAIRS[name]
    expected = curvature(x), curvature(y)
    assert sharpness(x[None], y[None]).item() == pytest.approx(expected[1], rel=1e-12, abs=1e-18)
    assert sharpness(y[None], x[None]).item() == pytest.approx(expected[0], rel=1e-12, abs=1e-18)
    if expected[0] > 1e-9:
        assert sharpness_ratio(x[None], y[None]).item() == pytest.approx(expected[1] / expected[0], rel=1e-12)


def test_a_single_bright_pixel_by_hand() -> None:
    image = torch.zeros(1, 3, 5, 5, dtype=torch.uint8)
    image[..., 2, 2] = 10
    # of 9 Laplacians one is -40 and four are 10: mean 0
    assert sharpness(image, image).item() == pytest.approx((40**2 + 4 * 10**2) / 9, rel=1e-12)


def test_blur_and_noise_of_the_same_squared_error_fall_to_either_side_of_one() -> None:
    image = photo("coffee.png", 256, 256)
    blurred = blur(image, 1.5)
    noisy = noise(image, float(((blurred.double() - image.double()) ** 2).mean()) ** 0.5)
    plain = [psnr(image[None], each[None]).item() for each in (blurred, noisy)]
    assert abs(plain[0] - plain[1]) < 1
    assert sharpness_ratio(image[None], blurred[None]).item() < 0.2
    assert sharpness_ratio(image[None], noisy[None]).item() > 1.5


@pytest.mark.parametrize(
    ("distort", "steps", "sign"), [(blur, (0.5, 1, 1.5, 2, 3), -1), (noise, (2, 5, 10, 20, 40), 1)]
)
def test_more_blur_is_less_and_more_noise_is_more(distort, steps: tuple[float, ...], sign: int) -> None:
    image = photo("chelsea.png", 192, 192)
    found = [sharpness_ratio(image[None], distort(image, step)[None]).item() for step in steps]
    assert (np.diff([1.0, *found]) * sign > 0).all()


def test_a_flat_original_has_no_ratio_but_its_own() -> None:
    flat, textured = torch.full((1, 3, 9, 9), 128, dtype=torch.uint8), photo("coffee.png", 9, 9)[None]
    assert sharpness_ratio(flat, flat).item() == 1
    assert sharpness_ratio(textured, textured).item() == 1
    assert sharpness_ratio(flat, textured).item() == np.inf
    assert sharpness_ratio(textured, flat).item() == 0


def test_each_image_of_a_batch_has_its_own_value() -> None:
    image = photo("chelsea.png", 64, 64)
    others = torch.stack([jpeg(image, 10), blur(image, 1)])
    originals = torch.stack([image, image])
    for metric in (sharpness, sharpness_ratio):
        alone = [metric(image[None], each[None]).item() for each in others]
        assert metric(originals, others).tolist() == pytest.approx(alone, rel=1e-12)


def test_they_describe_and_judge_nothing() -> None:
    for name in ("sharpness", "sharpness_ratio"):
        assert metrics[name].direction is None
        with pytest.raises(AssertionError, match=f"no direction of {name} is better"):
            _ = metrics[name].better
    assert metrics["psnr"].better == "higher"
