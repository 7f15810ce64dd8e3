"""Distortions of detail: Laplacian pyramid and image gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ablate.late_torch import F, Tensor
from ablate.losses.distortion_loss import Distortion, error, require_side
from ablate.losses.window import windowed
from ablate.plugins import distortion

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def smallest_side(*, levels: int, **_: Any) -> int:
    """Returns the pixels of height and width at which each level that is blurred has 3, to be mirrored at."""
    return 2 ** (levels - 1) + 1 if levels > 1 else 1


@distortion(
    formula=r"\sum_{j=0}^{M-1} 2^{\gamma j}\,E|L_j(x) - L_j(\hat x)|",
    source="Burt & Adelson 1983 (pyramid, binomial window); Bojanowski et al. 2018 (GLO), Lap1 (loss)",
    convention="j = 0 is the finest of M levels, the last is the low-pass rest; means, not sums, over each level: "
    "GLO's 2^{2j} on sums is exponent 0, and a positive exponent weighs coarse levels more; twice its value on [0, 1]",
    ranges={"levels": (1, 5), "exponent": (-2.0, 2.0)},
    smallest_side=smallest_side,
)
def laplacian_pyramid(*, levels: int = 4, exponent: float = 0.0) -> Distortion:
    """Mean absolute errors of the bands of a Laplacian pyramid, summed; one level alone is L1.

    Raises:
        ValueError: for less than one level; when called, for a side that the levels do not fit into.
    """
    if levels < 1:
        raise ValueError(f"laplacian_pyramid has 1 level or more, not {levels}")
    smallest = smallest_side(levels=levels)

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        require_side(image, smallest, f"laplacian_pyramid of {levels} levels")
        # The pyramid is linear: its bands of the error are the errors of its bands.
        bands = _bands(error(image, reconstruction), levels)
        terms = (2 ** (exponent * j) * band.abs().mean() for j, band in enumerate(bands))
        return sum(terms, start=reconstruction.new_zeros(()))

    return distortion


@distortion(
    formula=r"E|\partial_h (x - \hat x)| + E|\partial_w (x - \hat x)|",
    source="after Mathieu et al. 2016 (gradient difference loss), with signed differences",
    convention="differences of neighbouring pixels on [-1, 1], twice their value on [0, 1]; Mathieu compares their "
    "magnitudes; blind to a constant offset of a channel",
    smallest_side=2,
)
def gradient() -> Distortion:
    """Mean absolute error of the differences between neighbouring pixels, down the rows and along them.

    Raises:
        ValueError: when called with a side of one pixel.
    """

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        require_side(image, 2, "gradient")
        excess = error(image, reconstruction)
        return excess.diff(dim=-2).abs().mean() + excess.diff(dim=-1).abs().mean()

    return distortion


def _bands(planes: Tensor, levels: int) -> Iterator[Tensor]:
    """Yields the band-pass levels of (N, C, H, W), the finest first, and the low-pass rest."""
    for _ in range(levels - 1):
        coarser = _blurred(planes)[..., ::2, ::2]
        yield planes - _expanded(coarser, planes)
        planes = coarser
    yield planes


def _expanded(coarse: Tensor, fine: Tensor) -> Tensor:
    """Interpolates to the size of `fine`: zeros between the pixels, blurred away and made up for."""
    spread = fine.new_zeros(fine.shape)
    spread[..., ::2, ::2] = coarse
    return 4 * _blurred(spread)


def _blurred(planes: Tensor) -> Tensor:
    """Averages under the binomial window; borders are mirrored, which keeps a constant as it is, expanded too."""
    return windowed(F.pad(planes, (2, 2, 2, 2), mode="reflect"), BINOMIAL)
