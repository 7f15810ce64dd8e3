"""Every figure beside other people's implementations of it, on pairs of many kinds.

Each tolerance is for a difference that is known and named; where a peer computes something else by default, it is told
what to compute, and where it cannot be told, its result is compared on the part that is the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import piq
import pytest
import pytorch_msssim
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kernel_poly, mmd2
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)
from torchmetrics.functional.image import peak_signal_noise_ratio as torchmetrics_psnr
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from ablate.metrics import frechet_distance, frechet_distance_moments, kid, kid_paired, ms_ssim, ms_ssim_3, psnr, ssim
from tests.metrics.pairs import Pair, all_pairs

PAIRS = all_pairs()
ROUNDING = 1e-9
"""float64 in another order: sums of 1e5 terms, and variances as differences of numbers 1e5 times as large."""

SINGLE_WINDOW = 5e-5
"""pytorch-msssim keeps its window in float32, whose weights sum to 1 - 1e-7, and so finds variance where none is."""

ODD_PADDING = 5e-3
"""piq repeats the first row of an odd side, pytorch-msssim and this package put a zero before it."""

every_pair = pytest.mark.parametrize("name", PAIRS)


def batch(name: str) -> Pair:
    return PAIRS[name][0][None], PAIRS[name][1][None]


def unit(name: str) -> Pair:
    """The pair as float64 in 0 to 1."""
    return tuple(each.double() / 255 for each in batch(name))  # type: ignore[return-value]


def halves_evenly(name: str, times: int) -> bool:
    return all(side % 2**times == 0 for side in PAIRS[name][0].shape[1:])


def test_there_are_fifteen_pairs_and_more() -> None:
    assert len(PAIRS) >= 15


@every_pair
def test_psnr_is_scikit_images(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it divides by zero for identical images
        expected = peak_signal_noise_ratio(*(each.numpy() for each in PAIRS[name]), data_range=255)
    assert psnr(*batch(name)).item() == pytest.approx(expected, abs=1e-12)


@every_pair
def test_psnr_is_torchmetrics_of_each_image(name: str) -> None:
    expected = torchmetrics_psnr(*(each.double() for each in batch(name)), data_range=255.0, dim=(1, 2, 3))
    # it takes the logarithm of 10 in float32
    assert psnr(*batch(name)).item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


@every_pair
def test_psnr_is_piqs_but_for_its_ceiling(name: str) -> None:
    found = psnr(*batch(name)).item()
    with_ceiling = -10 * math.log10(10 ** (-found / 10) + 1e-8)  # it adds 1e-8 to the squared error
    assert with_ceiling == pytest.approx(piq.psnr(*unit(name), data_range=1.0).item(), abs=1e-9)


@every_pair
def test_ssim_is_scikit_images_with_wangs_window(name: str) -> None:
    expected = structural_similarity(
        *(each.numpy().astype(float) for each in PAIRS[name]),
        channel_axis=0,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(*batch(name)).item() == pytest.approx(expected, abs=ROUNDING)


@every_pair
def test_ssim_is_piqs_without_its_shrinking(name: str) -> None:
    expected = piq.ssim(*unit(name), data_range=1.0, downsample=False)
    assert ssim(*batch(name)).item() == pytest.approx(expected.item(), abs=ROUNDING)


@every_pair
def test_ssim_is_pytorch_msssims(name: str) -> None:
    expected = pytorch_msssim.ssim(*(each.double() for each in batch(name)), data_range=255)
    assert ssim(*batch(name)).item() == pytest.approx(expected.item(), abs=SINGLE_WINDOW)


@every_pair
def test_ssim_is_torchmetrics_inside_its_border(name: str) -> None:
    pair = (each.double() for each in batch(name))
    _, image = structural_similarity_index_measure(*pair, data_range=255.0, return_full_image=True)
    # it averages over a border of reflected pixels too
    assert ssim(*batch(name)).item() == pytest.approx(image[..., 5:-5, 5:-5].mean().item(), abs=ROUNDING)


@every_pair
def test_ms_ssim_is_pytorch_msssims(name: str) -> None:
    expected = pytorch_msssim.ms_ssim(*(each.double() for each in batch(name)), data_range=255)
    assert ms_ssim(*batch(name)).item() == pytest.approx(expected.item(), abs=SINGLE_WINDOW)


@every_pair
def test_ms_ssim_is_piqs_where_sides_halve_evenly(name: str) -> None:
    expected = piq.multi_scale_ssim(*unit(name), data_range=1.0).item()
    tolerance = ROUNDING if halves_evenly(name, 4) else ODD_PADDING
    assert ms_ssim(*batch(name)).item() == pytest.approx(expected, abs=tolerance)


@every_pair
def test_ms_ssim_is_near_torchmetrics(name: str) -> None:
    if min(PAIRS[name][0].shape[1:]) < 176:
        pytest.skip("torchmetrics refuses sides below 176 pixels")
    pair = (each.double() for each in batch(name))
    expected = multiscale_structural_similarity_index_measure(*pair, data_range=255.0)
    # its coarsest scale keeps a reflected border, of 16 pixels a side; and one product is taken over joint channels
    assert ms_ssim(*batch(name)).item() == pytest.approx(expected.item(), abs=0.06)


@every_pair
def test_three_scales_are_piqs_where_sides_halve_evenly(name: str) -> None:
    weights = torch.tensor([0.0448, 0.2856, 0.3001], dtype=torch.float64)
    expected = piq.multi_scale_ssim(*unit(name), data_range=1.0, scale_weights=weights).item()
    tolerance = ROUNDING if halves_evenly(name, 2) else ODD_PADDING
    assert ms_ssim_3(*batch(name)).item() == pytest.approx(expected, abs=tolerance)


def test_peers_that_are_not_told_compute_something_else() -> None:
    """Guards the comments above: the day these agree by default, they can be compared by default."""
    pair = [each.double() for each in batch("blur")]
    found = ssim(*batch("blur")).item()
    assert abs(structural_similarity_index_measure(*pair, data_range=255.0).item() - found) > 1e-4
    large = [torch.nn.functional.interpolate(each[:, :1] / 255, scale_factor=3) for each in pair]
    assert abs(piq.ssim(*large).item() - piq.ssim(*large, downsample=False).item()) > 1e-2


def features(n: int, width: int, seed: int) -> np.ndarray:
    """Vectors of a spectrum that falls off, as features have."""
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(random.normal(size=(width, width)))[0]
    return random.normal(size=(n, width)) * np.geomspace(1, 1e-3, width) @ basis + random.normal(size=width) / 10


def torch_fidelity_fid(a: np.ndarray, b: np.ndarray) -> float:
    statistics = [fid_features_to_statistics(torch.from_numpy(each)) for each in (a, b)]
    return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]


def torchmetrics_fid(a: np.ndarray, b: np.ndarray) -> float:
    moments = [torch.from_numpy(part) for x in (a, b) for part in (x.mean(0), np.cov(x, rowvar=False))]
    return _compute_fid(*moments).item()


@pytest.mark.parametrize("peer", [torch_fidelity_fid, torchmetrics_fid])
@pytest.mark.parametrize(("n", "m"), [(500, 500), (3000, 900)])
def test_the_frechet_distance_is_theirs_at_full_rank(
    peer: Callable[[np.ndarray, np.ndarray], float], n: int, m: int
) -> None:
    a, b = features(n, 64, 0), features(m, 64, 1)
    # they take square roots of eigenvalues of S1 S2, which lose half the digits of small ones
    assert frechet_distance(a, b) == pytest.approx(peer(a, b), rel=1e-7)


@pytest.mark.parametrize("peer", [torch_fidelity_fid, torchmetrics_fid])
def test_with_fewer_vectors_than_dimensions_theirs_is_off_and_ours_is_not(
    peer: Callable[[np.ndarray, np.ndarray], float],
) -> None:
    a, b = features(60, 240, 0), features(60, 240, 1)
    # the truth from the 119 dimensions that the centred vectors span: the distance does not see the others
    basis = np.linalg.qr(np.concatenate([a - a.mean(0), b - b.mean(0)]).T)[0]
    gap = ((a.mean(0) - b.mean(0)) ** 2).sum()
    low_a, low_b = (a - a.mean(0)) @ basis, (b - b.mean(0)) @ basis
    singular = np.linalg.svd(low_a @ low_b.T, compute_uv=False).sum() / 59
    truth = gap + ((low_a**2).sum() + (low_b**2).sum()) / 59 - 2 * singular
    assert frechet_distance(a, b) == pytest.approx(truth, rel=1e-12)
    moments = [part for x in (a, b) for part in (x.mean(0), np.cov(x, rowvar=False))]
    assert frechet_distance_moments(*moments) == pytest.approx(truth, rel=1e-9)
    assert peer(a, b) == pytest.approx(truth, abs=1e-4)


def test_kid_is_torch_fidelitys_on_all_vectors() -> None:
    a, b = features(300, 64, 0), features(300, 64, 1)
    kernel = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1.0}
    sums = [kernel_poly(x, y, **kernel) for x, y in ((a, a), (a, b), (b, b))]
    # their sums of 90,000 kernels of about 1 are subtracted; 1e-16 of each sum is left
    assert kid(a, b) == pytest.approx(mmd2(*sums), abs=1e-13)
    assert kid_paired(a, b) == pytest.approx(mmd2(*sums, mmd_est="u-statistic"), abs=1e-13)


def test_kid_is_torchmetrics_on_all_vectors() -> None:
    a, b = features(200, 64, 0), features(200, 64, 1)
    expected = poly_mmd(torch.from_numpy(a), torch.from_numpy(b), degree=3, gamma=None, coef=1.0)
    assert kid(a, b) == pytest.approx(expected.item(), abs=1e-13)
