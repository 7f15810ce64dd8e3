"""Bjøntegaard differences: how far apart two rate-quality curves are, over the range that both cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ablate.grid.patterns import CURVE_POINTS

if TYPE_CHECKING:
    import numpy as np

    _Points = tuple[np.ndarray, Sequence[float] | np.ndarray]

Interpolation = Literal["akima", "pchip"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("akima", "pchip")
"""The first is the one that is told; the other says how much the answer depends on it (Herglotz et al. 2022)."""

MIN_POINTS = CURVE_POINTS
"""Points that a curve needs, as in VCEG-M33."""

MIN_OVERLAP = 0.5
"""The least share of the range of either curve that both must cover; less would be mostly one of them."""


@dataclass(frozen=True)
class Curve:
    """One codec's operating points: bits per pixel, and a quality of either direction, at rising bits."""

    rates: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]]) -> Curve:
        """Sorts points (rate, value).

        Raises:
            ValueError: with fewer than `MIN_POINTS` points, a rate that is not positive, or two points of one rate.
        """
        ordered = sorted(points)
        if len(ordered) < MIN_POINTS:
            raise ValueError(f"a curve needs {MIN_POINTS} points, found {len(ordered)}")
        rates = tuple(rate for rate, _ in ordered)
        if rates[0] <= 0:
            raise ValueError(f"bits per pixel must be positive, found {rates[0]:g}")
        if len(set(rates)) < len(rates):
            raise ValueError("two points of a curve have the same bits")
        return cls(rates, tuple(value for _, value in ordered))


@dataclass(frozen=True)
class CurveDifference:
    """A mean difference of two curves; `disagreement` is how far the two interpolations are apart on it."""

    value: float
    disagreement: float
    overlap: float


def bd_quality(own: Curve, other: Curve) -> CurveDifference:
    """Returns the mean difference in quality at equal bits, in the unit of the quality: BD-PSNR for PSNR.

    The mean is over the logarithm of the bits (VCEG-M33), with piecewise interpolation in place of its cubic.

    Raises:
        ValueError: where the curves share less than `MIN_OVERLAP` of their range of bits.
    """
    import numpy as np

    means, overlap = _compare((np.log10(own.rates), own.values), (np.log10(other.rates), other.values), "bits")
    return CurveDifference(means[0], abs(means[1] - means[0]), overlap)


def bd_rate(own: Curve, other: Curve) -> CurveDifference:
    """Returns the mean difference in bits at equal quality, as a share of the other's bits: -0.1 for 10 % fewer.

    Raises:
        ValueError: where quality does not change strictly with the bits, so that bits are no function of it, or where
            the curves share less than `MIN_OVERLAP` of their range of quality.
    """
    import numpy as np

    sides = []
    for curve in (own, other):
        steps = np.diff(curve.values)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            raise ValueError("quality does not change strictly with the bits")
        order = np.argsort(curve.values)
        sides.append((np.asarray(curve.values)[order], np.log10(curve.rates)[order]))
    means, overlap = _compare(sides[0], sides[1], "quality")
    shares = [10**mean - 1 for mean in means]
    return CurveDifference(shares[0], abs(shares[1] - shares[0]), overlap)


def _compare(own: _Points, other: _Points, of: str) -> tuple[list[float], float]:
    """Returns the mean of own minus other over the shared range of the first coordinate by each way, and that share."""
    low, high = max(own[0][0], other[0][0]), min(own[0][-1], other[0][-1])
    whole = max(own[0][-1], other[0][-1]) - min(own[0][0], other[0][0])
    overlap = max(0.0, float(high - low) / float(whole))
    if overlap < MIN_OVERLAP:
        raise ValueError(f"the curves share {overlap:.0%} of their range of {of}, {MIN_OVERLAP:.0%} is the least")
    means = [
        (_integral(own, low, high, way) - _integral(other, low, high, way)) / float(high - low)
        for way in INTERPOLATIONS
    ]
    return means, overlap


def _integral(points: _Points, low: float, high: float, way: Interpolation) -> float:
    from scipy import interpolate

    kind = interpolate.Akima1DInterpolator if way == "akima" else interpolate.PchipInterpolator
    return float(kind(*points).integrate(low, high))
