"""Metrics of a region of an image, held to their definitions in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from ablate.data.regions import draw
from ablate.metrics import metrics, ms_ssim, ms_ssim_3, psnr, psnr_hvs_m, sharpness, ssim
from ablate.metrics.images.region import require_some, windows
from ablate.metrics.images.structure import C1, C2, SCALE_WEIGHTS, TAPS
from ablate.metrics.metric import Scope, TooSmallError
from ablate.rng import stream
from tests.metrics.pairs import blur, photo

Array = NDArray[np.float64]
OF_REGIONS = [
    name
    for name in metrics
    if metrics[name].regional and metrics[name].scope is Scope.image and not metrics[name].learned
]
ODD, EVEN = (203, 251), (208, 256)


def pair(height: int = ODD[0], width: int = ODD[1]) -> tuple[Tensor, Tensor]:
    image = photo("coffee.png", height, width)
    return image[None], blur(image, 1.5)[None]


def box(top: int, left: int, height: int, width: int, of: tuple[int, int] = ODD) -> Tensor:
    region = torch.zeros(of, dtype=torch.bool)
    region[top : top + height, left : left + width] = True
    return region


def ragged() -> Tensor:
    """A region with a border that is no straight line: most of an image, without a disc and a stroke of noise."""
    rows, columns = torch.meshgrid(torch.arange(ODD[0]), torch.arange(ODD[1]), indexing="ij")
    disc = (rows - 40) ** 2 + (columns - 215) ** 2 < 30**2
    noise = (torch.rand(ODD, generator=stream(0, "noise")) < 0.3) & (rows < 9)
    return ~(disc | noise)


def test_these_metrics_have_a_form_for_regions() -> None:
    assert {"psnr", "ssim", "ms_ssim", "ms_ssim_3", "psnr_hvs_m", "sharpness", "sharpness_ratio"} <= set(OF_REGIONS)
    assert [name for name in ("bpp_actual", "fd_lite0_112", "dists") if metrics[name].regional] == [
        "bpp_actual",
        "fd_lite0_112",
    ]


@pytest.mark.parametrize("name", OF_REGIONS)
def test_of_a_region_of_everything_it_is_that_of_the_image_to_the_last_bit(name: str) -> None:
    function = metrics[name].function
    for size in (ODD, (176, 192)):
        x, y = pair(*size)
        assert function(x, y, region=torch.ones(size, dtype=torch.bool)).equal(function(x, y))


@pytest.mark.parametrize("name", OF_REGIONS)
def test_pixels_outside_of_the_region_do_not_move_it_and_those_inside_do(name: str) -> None:
    function, (x, y), region = metrics[name].function, pair(), ragged()
    other = torch.randint(0, 256, x.shape, generator=stream(1, "outside"), dtype=torch.uint8)
    found = function(x, y, region=region)
    assert function(torch.where(region, x, other), torch.where(region, y, 255 - other), region=region).equal(found)
    assert function(x, torch.where(region, 255 - y, y), region=region) != found
    assert function(x, y) != found


@pytest.mark.parametrize("name", OF_REGIONS)
def test_of_a_box_where_its_windows_begin_it_is_that_of_the_crop(name: str) -> None:
    """16 pixels are one at the fifth scale, and two blocks; sides that are even at each scale have no padding."""
    (x, y), region = pair(*EVEN), box(16, 32, 176, 192, EVEN)
    crop = (..., slice(16, 192), slice(32, 224))
    found, expected = metrics[name].function(x, y, region=region), metrics[name].function(x[crop], y[crop])
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("metric", [psnr, ssim, sharpness])
def test_metrics_of_one_scale_are_of_any_box_as_of_its_crop(metric) -> None:
    (x, y), region = pair(), box(13, 29, 25, 17)
    crop = (..., slice(13, 38), slice(29, 46))
    assert metric(x, y, region).item() == pytest.approx(metric(x[crop], y[crop]).item(), rel=1e-12)


def by_definition(x: Tensor, y: Tensor, region: Tensor, weights: tuple[float, ...]) -> float:
    """Returns MS-SSIM over the windows of each scale that hold no pixel which is made of one outside."""
    values = []
    for planes in zip(x[0].double().numpy(), y[0].double().numpy(), strict=True):
        (a, b), inside, value = planes, region.numpy(), 1.0
        for scale, weight in enumerate(weights):
            if scale:
                a, b = halved(a, 0.0), halved(b, 0.0)
                inside = halved(inside.astype(float), 1.0) == 1
            counted = sliding_window_view(inside, (11, 11)).all((2, 3))
            contrast, luminance = maps(a, b)
            each = contrast * luminance if scale == len(weights) - 1 else contrast
            value *= each[counted].mean() ** weight
        values.append(value)
    return float(np.mean(values))


def halved(plane: Array, padding: float) -> Array:
    plane = np.pad(plane, [(side % 2, 0) for side in plane.shape], constant_values=padding)
    return plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean((1, 3))


def maps(a: Array, b: Array) -> tuple[Array, Array]:
    window = np.outer(TAPS, TAPS)

    def averaged(plane: Array) -> Array:
        return np.einsum("rcij,ij->rc", sliding_window_view(plane, (11, 11)), window)

    mean_a, mean_b = averaged(a), averaged(b)
    variances = averaged(a * a) - mean_a**2 + averaged(b * b) - mean_b**2
    contrast = (2 * (averaged(a * b) - mean_a * mean_b) + C2) / (variances + C2)
    return contrast, (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)


@pytest.mark.parametrize("region", [ragged(), box(3, 40, 200, 190), box(0, 0, *ODD)], ids=["ragged", "box", "all"])
def test_the_similarity_of_a_region_is_the_definitions_over_windows_that_lie_in_it(region: Tensor) -> None:
    x, y = pair()
    assert ms_ssim(x, y, region).item() == pytest.approx(by_definition(x, y, region, SCALE_WEIGHTS), rel=1e-11)
    assert ssim(x, y, region).item() == pytest.approx(by_definition(x, y, region, (1.0,)), rel=1e-11)


def test_the_squared_error_of_a_region_by_hand() -> None:
    x = torch.full((1, 3, 20, 24), 100, dtype=torch.uint8)
    y, region = x.clone(), torch.zeros(20, 24, dtype=torch.bool)
    region[2, 3] = region[9, 9] = True
    y[:, :, 2, 3] += 4  # 16 in one of two pixels
    y[:, :, 0, 0] += 100  # beyond
    assert psnr(x, y, region).item() == pytest.approx(10 * np.log10(255**2 / 8))
    assert psnr(x, torch.where(region, x, y), region).item() == np.inf


def test_visible_errors_of_a_region_are_those_of_its_whole_blocks_by_hand() -> None:
    x = torch.full((1, 3, 24, 24), 100, dtype=torch.uint8)
    y = x.clone()
    y[..., 8:16, 8:16] += 5
    y[..., :8, :] += 50
    region = box(5, 5, 19, 19, (24, 24))  # four blocks lie in it, and an error in one of them
    expected = 10 * np.log10(255**2 / ((40 * 1.608443) ** 2 / 64 / 4))
    assert psnr_hvs_m(x, y, region).item() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("metric", "largest", "said"),
    [
        (psnr, 0, "no pixel lies in the region"),
        (sharpness, 2, "no window of 3 pixels lies in the region"),
        (psnr_hvs_m, 7, "no block of 8 pixels lies in the region"),
        (ssim, 10, "no window of 11 pixels at the scale 1/1 lies in the region"),
        (ms_ssim_3, 43, "no window of 11 pixels at the scale 1/4 lies in the region"),
        (ms_ssim, 175, "no window of 11 pixels at the scale 1/16 lies in the region"),
    ],
)
def test_a_region_that_no_window_fits_into_is_refused_in_a_sentence(metric, largest: int, said: str) -> None:
    x, y = pair(*EVEN)
    with pytest.raises(TooSmallError, match=said):
        metric(x, y, box(16, 16, largest, 200, EVEN))
    assert metric(x, y, box(16, 16, largest + 1, 200, EVEN)).isfinite().all()


def test_what_pads_an_image_is_in_every_region() -> None:
    everything = torch.ones(5, 7, dtype=torch.bool)
    assert windows(everything, 2, 2, (1, 1)).tolist() == [[True] * 4] * 3
    assert windows(everything, 3, padding=1).all()
    corner = everything.clone()
    corner[0, 0] = False
    assert windows(corner, 2, 2, (1, 1)).tolist() == [[False, True, True, True], [True] * 4, [True] * 4]
    assert require_some(corner, "pixel") is corner


def test_a_region_of_a_few_windows_has_the_similarity_of_those() -> None:
    """Two boxes far apart, of a window each: the mean of both."""
    x, y = pair()
    both = box(20, 30, 11, 11) | box(150, 99, 11, 11)
    each = [ssim(x[..., a : a + 11, b : b + 11], y[..., a : a + 11, b : b + 11]) for a, b in ((20, 30), (150, 99))]
    assert ssim(x, y, both).item() == pytest.approx(torch.cat(each).mean().item(), rel=1e-12)


def test_a_drawn_box_is_measured_wherever_it_lies() -> None:
    x, y = pair()
    for seed in range(8):
        region = draw("random_box", ODD, None, stream(seed, "region"))
        rows, columns = region.nonzero().unbind(1)
        crop = (..., slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1))
        assert psnr(x, y, region).item() == pytest.approx(psnr(x[crop], y[crop]).item(), rel=1e-12)
