"""Structural similarity, at one scale, at five and at three, in float64.

Window, constants and weights are Wang's; borders are valid, as in scikit-image and pytorch-msssim; between scales a
side of odd length is padded as pytorch-msssim does, whose numbers the compression literature reports.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ablate.metrics.images.pixel import require_images
from ablate.metrics.images.region import require_some, windows
from ablate.metrics.metric import Needs
from ablate.plugins import metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

WINDOW = 11
SIGMA = 1.5
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MIN_SIDE_MS_SSIM = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""Smallest height and width, in pixels, at which the window fits into the coarsest scale: 161."""
THREE_SCALE_WEIGHTS = tuple(weight / math.fsum(SCALE_WEIGHTS[:3]) for weight in SCALE_WEIGHTS[:3])
"""Those of the three finest scales, so that they sum to 1 again, as in piq."""
MIN_SIDE_MS_SSIM_3 = (WINDOW - 1) * 2 ** (len(THREE_SCALE_WEIGHTS) - 1) + 1
"""The same for three scales: 41."""

_STRIP_PIXELS = 1 << 14
"""Pixels of a plane that are filtered at once, so that all intermediate rows stay in the processor's cache."""
_STRIP_MIN_ROWS = 32


def _taps() -> list[float]:
    raw = [math.exp(-((k - WINDOW // 2) ** 2) / (2 * SIGMA**2)) for k in range(WINDOW)]
    return [value / math.fsum(raw) for value in raw]


TAPS = _taps()


def similarity_decibels(similarity: Tensor) -> Tensor:
    """Returns -10 log10(1 - s) of similarities: 0.9 is 10 dB, 0.99 is 20 dB; inf for 1, which equal images have.

    Similarities within a few roundings of 1 count as 1.
    """
    distance = 1 - similarity
    return -10 * distance.where(distance > 1e-14, 0.0).log10()


@metric(
    label="SSIM",
    unit="",
    direction="higher",
    bounds=(-1, 1),
    needs=Needs(smallest_side=WINDOW),
    formula="mean over space and channels of luminance * contrast-structure; Gaussian window 11, sigma 1.5, no padding",
    source="Wang et al. 2004, IEEE TIP 13(4), eq. 13",
)
def ssim(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the structural similarity of each pair of uint8 images (N, C, H, W): float64 (N,), at most 1.

    Of a region, bool (H, W), it is the mean over the windows that lie in it as a whole.

    Raises:
        ValueError: for images that are not uint8, differ in shape or are smaller than the window, and for a region
            that no window fits into.
    """
    require_images(originals, reconstructions, WINDOW)
    return _per_image(originals, reconstructions, region, (1.0,), clipped=False)


@metric(
    label="MS-SSIM",
    unit="",
    direction="higher",
    bounds=(0, 1),
    place=10,
    needs=Needs(smallest_side=MIN_SIDE_MS_SSIM),
    beside={"ms_ssim_db": similarity_decibels},
    formula="product over five scales of max(contrast-structure, 0)^w, the last times luminance; mean over channels",
    source="Wang, Simoncelli and Bovik 2003, Asilomar, eq. 7; borders and odd sizes as in pytorch-msssim 1.0",
)
def ms_ssim(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the five-scale structural similarity of each pair of uint8 images (N, C, H, W): float64 (N,), 0 to 1.

    Of a region, bool (H, W), the mean at each scale is over the windows that lie in it as a whole; a pixel of a coarser
    scale lies in it where all four that it is the mean of do.

    Raises:
        ValueError: for images that are not uint8, differ in shape or have a side below 161 pixels: there five scales
            do not exist, and fewer would be another metric. So for a region that no window of a scale fits into.
    """
    require_images(originals, reconstructions, MIN_SIDE_MS_SSIM)
    return _per_image(originals, reconstructions, region, SCALE_WEIGHTS)


@metric(
    label="MS-SSIM (3 scales)",
    unit="",
    direction="higher",
    bounds=(0, 1),
    place=10,
    needs=Needs(smallest_side=MIN_SIDE_MS_SSIM_3),
    stands_in_for="ms_ssim",
    formula="as MS-SSIM over the three finest scales alone, their weights divided by their sum: not comparable with it",
    source="Wang, Simoncelli and Bovik 2003, Asilomar, eq. 7, with fewer scales; weights as in piq 0.8",
)
def ms_ssim_3(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the similarity of each pair of uint8 images (N, C, H, W) over three scales: float64 (N,), 0 to 1.

    It is for images, and regions of them, that five scales do not fit into, and is another metric: larger where details
    are lost.

    Raises:
        ValueError: for images that are not uint8, differ in shape or have a side below 41 pixels, and for a region
            that no window of a scale fits into.
    """
    require_images(originals, reconstructions, MIN_SIDE_MS_SSIM_3)
    return _per_image(originals, reconstructions, region, THREE_SCALE_WEIGHTS)


def _per_image(
    originals: Tensor,
    reconstructions: Tensor,
    region: Tensor | None,
    weights: tuple[float, ...],
    *,
    clipped: bool = True,
) -> Tensor:
    """Compares planes by their sum and difference, one plane after another, and averages the channels."""
    import torch

    counted = [None] * len(weights) if region is None else _windows_at_scales(region, len(weights))
    values = originals.new_empty(originals.shape[:2], dtype=torch.float64)
    for n in range(values.shape[0]):
        for c in range(values.shape[1]):
            x, y = originals[n, c].double(), reconstructions[n, c].double()
            values[n, c] = _multiscale(x + y, x - y, weights, counted, clipped)
    return values.mean(dim=1)


def _windows_at_scales(region: Tensor, scales: int) -> list[Tensor]:
    """Returns which windows of each scale lie in a region, bool (H, W)."""
    found = []
    for scale in range(scales):
        if scale:
            region = windows(region, 2, 2, _padding(region))
        found.append(require_some(windows(region, WINDOW), f"window of {WINDOW} pixels at the scale 1/{2**scale}"))
    return found


def _multiscale(
    total: Tensor, difference: Tensor, weights: tuple[float, ...], counted: Sequence[Tensor | None], clipped: bool
) -> Tensor:
    value = total.new_ones(())
    for scale, weight in enumerate(weights):
        if scale:
            total, difference = _halved(total), _halved(difference)
        similarity = _similarity(total, difference, scale == len(weights) - 1, counted[scale])
        value = value * (similarity.clamp(min=0) if clipped else similarity) ** weight
    return value


def _similarity(total: Tensor, difference: Tensor, luminance: bool, counted: Tensor | None) -> Tensor:
    """Returns the mean over space of contrast-structure, times luminance where asked for.

    It is over all windows, or over those that are counted, bool (H - 10, W - 10). In s = x + y and d = x - y the
    moments of the formula need no mixed term: 4 mu_x mu_y = mu_s^2 - mu_d^2, 2 (mu_x^2 + mu_y^2) = mu_s^2 + mu_d^2, and
    alike for variances and covariance.
    """
    rows, columns = total.shape[0] - WINDOW + 1, total.shape[1] - WINDOW + 1
    step = max(_STRIP_MIN_ROWS, _STRIP_PIXELS // total.shape[1])
    summed = total.new_zeros(())
    for top in range(0, rows, step):
        strip = slice(top, min(top + step, rows) + WINDOW - 1)
        found = _strip_similarity(total[strip], difference[strip], luminance)
        summed += (found if counted is None else found.where(counted[top : top + step], 0.0)).sum()
    return summed / (rows * columns if counted is None else int(counted.sum()))


def _strip_similarity(s: Tensor, d: Tensor, luminance: bool) -> Tensor:
    """Evaluates the formula of `_similarity` at every window of a strip (h, w): (h - 10, w - 10)."""
    mean_s, mean_d, square_s, square_d = _windowed(_windowed(_stacked(s, d), dim=-2), dim=-1)
    mean_s, mean_d = mean_s * mean_s, mean_d * mean_d
    variance_s, variance_d = square_s - mean_s, square_d - mean_d
    # In place where a value is needed no more: fresh memory costs more than the arithmetic.
    result: Tensor = (variance_s - variance_d + 2 * C2).div_(variance_s.add_(variance_d).add_(2 * C2))
    if luminance:
        result *= (mean_s - mean_d + 2 * C1).div_(mean_s.add_(mean_d).add_(2 * C1))
    return result


def _stacked(s: Tensor, d: Tensor) -> Tensor:
    import torch

    return torch.stack((s, d, s * s, d * d))


def _windowed(planes: Tensor, dim: int) -> Tensor:
    """Averages along one dimension under the Gaussian window: shifted sums, many times faster than a convolution."""
    length = planes.shape[dim] - WINDOW + 1
    result = planes.narrow(dim, 0, length) * TAPS[0]
    for shift, tap in enumerate(TAPS[1:], start=1):
        result.add_(planes.narrow(dim, shift, length), alpha=tap)
    return result


def _halved(plane: Tensor) -> Tensor:
    """Averages 2x2 pixels; a side of odd length has a zero before its first pixel, as in pytorch-msssim."""
    from torch.nn.functional import avg_pool2d

    pooled: Tensor = avg_pool2d(plane[None, None], 2, padding=_padding(plane))[0, 0]
    return pooled


def _padding(plane: Tensor) -> tuple[int, int]:
    return (plane.shape[0] % 2, plane.shape[1] % 2)
