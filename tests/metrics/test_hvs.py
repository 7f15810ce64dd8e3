from __future__ import annotations

import numpy as np
import pytest
import torch
from psnr_hvsm.numpy import psnr_hvs_hvsm
from psnr_hvsm.numpy.psnr_hvsm import CSF_COEFF, MASK_COEFF

from ablate.metrics import metrics, psnr, psnr_hvs_m
from ablate.metrics.images.hvs import MASKING, SENSITIVITY
from ablate.metrics.images.luma import luma
from tests.metrics.pairs import all_pairs, blur, noise, photo

PAIRS = all_pairs()
ROUNDING = 1e-9
"""float64 in another order: sums of 1e5 terms, and variances as differences of numbers 1e5 times as large."""


def whole_blocks(image: torch.Tensor) -> np.ndarray:
    """The luma of a uint8 image (3, H, W) as the authors' program looks at it, in 0 to 1 as the peer expects it."""
    plane = luma(image[None])[0].numpy() / 255
    height, width = (side // 8 * 8 for side in plane.shape)
    return plane[:height, :width]


def test_both_tables_are_the_authors_to_the_last_printed_digit() -> None:
    assert (np.array(SENSITIVITY).ravel() == CSF_COEFF).all()
    assert (np.array(MASKING).ravel() == MASK_COEFF).all()


@pytest.mark.parametrize("name", PAIRS)
def test_it_is_the_peers_that_is_held_to_the_published_figures(name: str) -> None:
    x, y = PAIRS[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        _, expected = psnr_hvs_hvsm(whole_blocks(x), whole_blocks(y))
    found = psnr_hvs_m(x[None], y[None]).item()
    if expected == 100:  # what it says of an error of 0
        assert found == np.inf
    else:
        assert found == pytest.approx(float(expected), abs=ROUNDING)


def test_an_error_in_the_mean_of_every_block_by_hand() -> None:
    grey = torch.full((1, 3, 16, 24), 100, dtype=torch.uint8)
    # the first coefficient is off by 8 * 5, weighs 1.608443, and is one of 64
    expected = 10 * np.log10(255**2 / ((40 * 1.608443) ** 2 / 64))
    assert psnr_hvs_m(grey, grey + 5).item() == pytest.approx(expected, abs=1e-10)


def test_noise_that_texture_hides_costs_far_less_than_in_the_open() -> None:
    random = np.random.default_rng(0)
    texture = torch.from_numpy(random.integers(9, 247, (1, 1, 64, 64), dtype=np.uint8)).expand(-1, 3, -1, -1)
    flat = torch.full_like(texture, 128)
    stripes = torch.arange(64) % 2 * 8  # the highest frequency; the mean of a block stays
    hidden, seen = (psnr_hvs_m(each, each + stripes.byte() - 4).item() for each in (texture, flat))
    assert hidden > seen + 25


def test_blur_is_seen_more_than_noise_of_the_same_squared_error() -> None:
    image = photo("coffee.png", 256, 256)
    blurred = blur(image, 1.5)
    sigma = float(((blurred.double() - image.double()) ** 2).mean()) ** 0.5
    noisy = noise(image, sigma)
    plain = [psnr(image[None], each[None]).item() for each in (blurred, noisy)]
    seen = [psnr_hvs_m(image[None], each[None]).item() for each in (blurred, noisy)]
    assert abs(plain[0] - plain[1]) < 1
    assert seen[0] < seen[1]


def test_each_image_of_a_batch_has_its_own_value_and_pixels_beyond_whole_blocks_have_none() -> None:
    image = photo("chelsea.png", 77, 61)
    others = torch.stack([noise(image, 10), blur(image, 1)])
    originals = torch.stack([image, image])
    alone = [psnr_hvs_m(image[None], each[None]).item() for each in others]
    assert psnr_hvs_m(originals, others).tolist() == alone
    others[:, :, 72:] = 0
    others[..., 56:] = 0
    assert psnr_hvs_m(originals, others).tolist() == alone


def test_the_weighted_error_stands_beside_it_and_is_none_where_nothing_is_seen() -> None:
    image = photo("chelsea.png", 64, 64)[None]
    beside = metrics["psnr_hvs_m"].beside["mse_hvs_m"]
    assert psnr_hvs_m(image, image).item() == np.inf
    assert beside(psnr_hvs_m(image, image)).item() == 0
    grey = torch.full((1, 3, 16, 24), 100, dtype=torch.uint8)
    assert beside(psnr_hvs_m(grey, grey + 5)).item() == pytest.approx((40 * 1.608443) ** 2 / 64, rel=1e-12)


def test_a_grey_image_is_its_own_luma_and_other_channels_are_refused() -> None:
    plane = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(luma(plane.expand(-1, 3, -1, -1)), plane[:, 0].double())
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).reshape(1, 3, 1, 1)
    assert luma(red).item() == pytest.approx(0.299 * 255, rel=1e-14)
    with pytest.raises(ValueError, match="luma is of images with the channels red, green and blue"):
        psnr_hvs_m(plane, plane)
