"""Distortions of structure: MS-SSIM and its mixture with L1.

Window, constants and weights are Wang's; borders and odd sides are those of the metric `ms_ssim`, so that on images
of 256 grey levels the loss is 1 minus the metric. Pixels are taken as 0 to 2: luminance is measured from black.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ablate.late_torch import F, Tensor, torch
from ablate.losses.distortion_loss import Distortion, error, require_side
from ablate.losses.window import windowed
from ablate.plugins import distortion

WINDOW = 11
SIGMA = 1.5
BLACK = -1.0
DATA_RANGE = 2.0
C1 = (0.01 * DATA_RANGE) ** 2
C2 = (0.03 * DATA_RANGE) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def gaussian(size: int, sigma: float) -> tuple[float, ...]:
    """Returns the taps of a Gaussian window along one side, which sum to 1."""
    raw = [math.exp(-((k - size // 2) ** 2) / (2 * sigma**2)) for k in range(size)]
    return tuple(value / math.fsum(raw) for value in raw)


TAPS = gaussian(WINDOW, SIGMA)


class Measure(NamedTuple):
    """How planes are compared at one level.

    Attributes:
        average: averages planes (N, C, H, W), or with one side more, under the window.
        c1: keeps the quotient of luminances defined.
        c2: that of contrasts.
        black: the value from which luminance is measured.
    """

    average: Callable[[Tensor], Tensor]
    c1: float
    c2: float
    black: float


WANG = Measure(lambda planes: windowed(planes, TAPS), C1, C2, BLACK)


def smallest_side(*, levels: int, window: int = WINDOW, **_: Any) -> int:
    """Returns the pixels of height and width at which the window fits into the coarsest level: 161 for 5."""
    return (window - 1) * 2 ** (levels - 1) + 1


def scale_weights(levels: int) -> Sequence[float]:
    """Returns the exponents of the levels: Wang's five as printed, or the first few of them, made to sum to 1.

    Raises:
        ValueError: for less than 1 or more than 5 levels.
    """
    if not 1 <= levels <= len(SCALE_WEIGHTS):
        raise ValueError(f"MS-SSIM has 1 to {len(SCALE_WEIGHTS)} levels, not {levels}")
    first = SCALE_WEIGHTS[:levels]
    return first if levels == len(SCALE_WEIGHTS) else [weight / math.fsum(first) for weight in first]


@distortion(
    formula=r"1 - E\left[l_M^{w_M} \prod_{j=1}^{M} \mathrm{relu}(\overline{cs}_j)^{w_j}\right]",
    source="Wang, Simoncelli & Bovik 2003, equation 7; borders and odd sides as in pytorch-msssim 1.0",
    convention="pixels as 0 to 2, C1 = 0.02^2, C2 = 0.06^2; below 5 levels Wang's first weights are renormalised to "
    "sum 1, which is another quantity than MS-SSIM; the last level's mean is that of l * cs",
    ranges={"levels": (1, 5)},
    smallest_side=smallest_side,
)
def ms_ssim(*, levels: int = 5) -> Distortion:
    """One minus the multi-scale structural similarity, the mean over images and channels; 0 to 1.

    The gradient is zero in a plane where the mean contrast-structure of a level is negative, as it is early in
    training or for an inverted image: start from weights that were warmed up on MSE.

    Raises:
        ValueError: for less than 1 or more than 5 levels; when called, for a side that they do not fit into.
    """
    weights = scale_weights(levels)

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        require_side(image, smallest_side(levels=levels), f"MS-SSIM of {levels} levels")
        return multiscale(image.detach(), reconstruction, weights).mean()

    return distortion


@distortion(
    formula=r"(1 - \alpha)\,E\left[G_\sigma * |x - \hat x|\right] + \alpha\,(1 - \text{MS-SSIM}(x, \hat x))",
    source="after Zhao et al. 2017, whose mix has alpha = 0.84",
    convention="Wang's MS-SSIM, over a pyramid with exponents; Zhao multiplies five windows at full resolution without "
    "any, which weighs structure several times as much at one alpha. |x - x^| on [-1, 1], twice as large as on [0, 1], "
    "under sigma = 1.5, where Zhao takes the widest window; levels as in ms_ssim",
    ranges={"alpha": (0.0, 1.0), "levels": (1, 5)},
    smallest_side=smallest_side,
)
def l1_msssim(*, alpha: float = 0.84, levels: int = 5) -> Distortion:
    """Mixture of MS-SSIM with L1 under the Gaussian window, which weighs the outermost pixels less.

    Raises:
        ValueError: for an alpha outside 0 to 1; otherwise as ms_ssim.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"l1_msssim mixes with an alpha of 0 to 1, not {alpha}")
    structure = ms_ssim(levels=levels)

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        dissimilarity = structure(image, reconstruction)
        absolute = windowed(error(image, reconstruction).abs(), TAPS).mean()
        return (1 - alpha) * absolute + alpha * dissimilarity

    return distortion


def multiscale(x: Tensor, y: Tensor, weights: Sequence[float], measure: Measure = WANG) -> Tensor:
    """Returns 1 - MS-SSIM of each plane: (N, C), of planes (N, C, H, W) or with one side more.

    It is put together from the levels' dissimilarities e_j as -expm1(sum_j w_j log1p(-e_j)): in float32, 1 - MS-SSIM
    itself would leave three digits of a loss of 1e-5.
    """
    pair = torch.stack((x, y))
    logarithm, alive = pair.new_zeros(()), pair.new_ones((), dtype=torch.bool)
    for level, weight in enumerate(weights, start=1):
        unlike = dissimilarity(pair[0], pair[1], measure, luminance=level == len(weights))
        # A negative similarity has no real power, and its plane counts as wholly dissimilar, without a gradient. NaN is
        # no reason to: it goes through. What has no weight counts for nothing.
        negative = unlike >= (1 if weight else math.inf)
        alive = alive & ~negative
        if weight:
            logarithm = logarithm + weight * torch.log1p(-unlike.masked_fill(negative, 0))
        if level < len(weights):
            pair = _halved(pair, measure.black)
    return torch.where(alive, -torch.expm1(logarithm), 1)


def dissimilarity(x: Tensor, y: Tensor, measure: Measure, *, luminance: bool) -> Tensor:
    """Returns each plane's mean of 1 - cs over all windows, or of 1 - l cs where luminance is asked for: (N, C).

    In s = x + y and d = x - y there is no mixed moment, and what rounding does to the variance of s divides out where
    d is small, as it is between an image and a good reconstruction.
    """
    s, d = x + y, x - y
    mean_s, mean_d, square_s, square_d = measure.average(torch.cat((s, d, s * s, d * d), dim=1)).chunk(4, dim=1)
    variance_s, variance_d = square_s - mean_s.square(), square_d - mean_d.square()
    unlike = 2 * variance_d / (variance_s + variance_d + 2 * measure.c2)
    if luminance:
        bright, dark = (mean_s - 2 * measure.black).square(), mean_d.square()
        darker = 2 * dark / (bright + dark + 2 * measure.c1)
        unlike = darker + unlike - darker * unlike
    return unlike.mean(dim=tuple(range(2, unlike.ndim)))


def _halved(pair: Tensor, black: float) -> Tensor:
    """Averages 2x2 pixels of (2, N, C, H, W), or 2x2x2; a side of odd length has black before its first pixel."""
    sides = pair.shape[3:]
    planes = F.pad(pair.flatten(0, 1), [pad for side in reversed(sides) for pad in (side % 2, 0)], value=black)
    pool = F.avg_pool2d if len(sides) == 2 else F.avg_pool3d
    return pool(planes, 2).unflatten(0, pair.shape[:2])
