"""Laplacian pyramid and image gradients against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve

from ablate.losses.catalogue import distortions

Plane = NDArray[np.float64]
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
RANDOM = np.random.default_rng(13)
IMAGE, RECONSTRUCTION = (RANDOM.uniform(-1, 1, (2, 3, 17, 22)) for _ in range(2))


def value(name: str, image: Plane, reconstruction: Plane, **options: float) -> float:
    return distortions[name].function(**options)(torch.from_numpy(image), torch.from_numpy(reconstruction)).item()


def laplacian(plane: Plane, levels: int) -> list[Plane]:
    """The bands of one plane as Burt and Adelson build them, the low-pass rest last."""
    bands = []
    for _ in range(levels - 1):
        coarse = convolve(plane, BINOMIAL, mode="mirror")[::2, ::2]
        spread = np.zeros_like(plane)
        spread[::2, ::2] = coarse
        bands.append(plane - 4 * convolve(spread, BINOMIAL, mode="mirror"))
        plane = coarse
    return [*bands, plane]


@pytest.mark.parametrize("levels", [1, 2, 4, 5])
@pytest.mark.parametrize("exponent", [0.0, 2.0, -1.0])
def test_the_laplacian_distance_is_that_of_the_bands(levels: int, exponent: float) -> None:
    pairs = [
        [(a, b) for a, b in zip(laplacian(x, levels), laplacian(y, levels), strict=True)]
        for x, y in zip(IMAGE.reshape(6, 17, 22), RECONSTRUCTION.reshape(6, 17, 22), strict=True)
    ]
    expected = sum(
        2 ** (exponent * j) * np.mean([np.abs(plane[j][0] - plane[j][1]).mean() for plane in pairs])
        for j in range(levels)
    )
    got = value("laplacian_pyramid", IMAGE, RECONSTRUCTION, levels=levels, exponent=exponent)
    assert got == pytest.approx(float(expected), rel=1e-10)


def test_one_level_is_l1() -> None:
    expected = np.abs(IMAGE - RECONSTRUCTION).mean()
    assert value("laplacian_pyramid", IMAGE, RECONSTRUCTION, levels=1) == pytest.approx(float(expected))


def test_a_constant_offset_is_seen_by_the_coarsest_level_alone() -> None:
    for levels, exponent in ((3, 0.0), (3, 2.0), (4, -1.0)):
        got = value("laplacian_pyramid", IMAGE, IMAGE + 0.5, levels=levels, exponent=exponent)
        assert got == pytest.approx(0.5 * 2 ** (exponent * (levels - 1)))


def test_exponent_zero_is_the_sum_norm_weighted_with_4_to_the_level() -> None:
    x, y = RANDOM.uniform(-1, 1, (2, 16, 16))
    bands = zip(laplacian(x, 3), laplacian(y, 3), strict=True)
    by_sums = sum(2 ** (2 * j) * np.abs(a - b).sum() for j, (a, b) in enumerate(bands)) / 256
    assert value("laplacian_pyramid", x[None, None], y[None, None], levels=3) == pytest.approx(float(by_sums))


def test_the_gradient_distance_is_that_of_neighbouring_differences() -> None:
    down = np.abs((IMAGE[:, :, 1:] - IMAGE[:, :, :-1]) - (RECONSTRUCTION[:, :, 1:] - RECONSTRUCTION[:, :, :-1])).mean()
    along = np.abs((IMAGE[..., 1:] - IMAGE[..., :-1]) - (RECONSTRUCTION[..., 1:] - RECONSTRUCTION[..., :-1])).mean()
    assert value("gradient", IMAGE, RECONSTRUCTION) == pytest.approx(float(down + along))


def test_the_gradient_distance_is_blind_to_an_offset_and_sees_an_inverted_edge() -> None:
    assert value("gradient", IMAGE, IMAGE + 0.3) == pytest.approx(0, abs=1e-12)
    assert value("gradient", IMAGE, -IMAGE) > 1


def test_smallest_sides_leave_three_pixels_to_be_mirrored_at() -> None:
    side = distortions["laplacian_pyramid"].facts["smallest_side"]
    resolve = distortions["laplacian_pyramid"].resolve
    assert [side(**resolve({"levels": n})) for n in (1, 2, 3, 4, 5)] == [1, 3, 5, 9, 17]


def test_no_level_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="1 level or more, not 0"):
        distortions["laplacian_pyramid"].function(levels=0)
