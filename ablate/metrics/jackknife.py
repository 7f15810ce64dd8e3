"""Uncertainty of a figure, since other images could have been tested on.

Images are the unit: patches of one image are alike, and resampling them would pretend to more evidence than there
is. Training noise is another matter, and is seen in seeds only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.metrics.bounds import UNBOUNDED, Bounds

CONFIDENCE = 0.95
METHOD = "jackknife over images, t interval of 95 %"


@dataclass(frozen=True)
class Estimate:
    """A figure over images with its standard error and its 95 % interval, which are None for a single group.

    `bias` is the jackknife's estimate of how much the figure is too large because there are not more images; it is
    not taken off `value`. `groups` is how many sets of images were left out in turn, usually one for each image.
    `method` says how the interval was made.
    """

    value: float
    standard_error: float | None
    low: float | None
    high: float | None
    bias: float | None
    images: int
    groups: int
    method: str = METHOD

    def within(self, bounds: Bounds) -> Estimate:
        """Returns the estimate of a figure that cannot leave its bounds, with an interval that does not either.

        The t interval is made on a scale that has none, log(x - low) or log((x - low) / (high - x)), and turned back:
        to first order, for which the standard error must be smaller than the distance to the nearest bound. Where it
        is not, the plain interval is cut. Without bounds everything stays as it is.
        """
        error = self.standard_error
        if error is None or self.low is None or self.high is None or bounds == UNBOUNDED:
            return self
        low, high = bounds
        below, above = self.value - low, high - self.value
        if not 0 < error < min(below, above):
            cut = (min(max(end, low), high) for end in (self.low, self.high))
            return replace(self, low=next(cut), high=next(cut), method=f"{METHOD}, cut at {_named(bounds)}")
        shrink = math.exp((self.value - self.high) * (1 / below + 1 / above))
        return replace(
            self,
            low=low + _moved(below, above, shrink) if math.isfinite(low) else high - above / shrink,
            high=high - _moved(above, below, shrink) if math.isfinite(high) else low + below / shrink,
            method=f"{METHOD}, on the scale of {_scale(bounds)}",
        )

    def record(self) -> dict[str, Any]:
        """Returns what a result keeps of it; the figure itself stands among the metrics."""
        return {
            "standard_error": self.standard_error,
            "low": self.low,
            "high": self.high,
            "bias": self.bias,
            "images": self.images,
            "groups": self.groups,
            "method": self.method,
        }


def of_mean(values: ArrayLike) -> Estimate:
    """Estimates the mean of one value an image, (images,); of paired differences, the mean difference.

    Raises:
        ValueError: for no values or values that are not finite.
    """
    each = _finite(values)
    total = each.sum()
    without = (total - each) / max(len(each) - 1, 1)
    return of_replicates(float(total / len(each)), without)


def of_replicates(value: float, without: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """Estimates a figure of a set from its values without each image, (images,).

    For the difference of two cells on the same images, give the difference of the figures and of the replicates.

    Args:
        value: the figure of all images.
        without: the figure when the image, or the group that it belongs to, is left out.
        groups: the number of each image's group, (images,); each image is its own by default.

    Raises:
        ValueError: for no replicates, replicates that are not finite, or groups that are not one an image.
    """
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    each = _finite(without)
    numbers = np.arange(len(each)) if groups is None else np.asarray(groups)
    if numbers.shape != each.shape:
        raise ValueError(f"groups must be one an image, {each.shape}, not {numbers.shape}")
    replicates = each[np.unique(numbers, return_index=True)[1]]
    count = len(replicates)
    if count < 2:
        return Estimate(value, None, None, None, None, len(each), count)
    error = float(np.sqrt((count - 1) / count * ((replicates - replicates.mean()) ** 2).sum()))
    reach = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * error
    bias = float((count - 1) * (replicates.mean() - value))
    return Estimate(value, error, value - reach, value + reach, bias, len(each), count)


def _moved(near: float, far: float, factor: float) -> float:
    """Returns the distance to a bound once its odds, near to far, have been multiplied by a factor."""
    if math.isinf(far):
        return near * factor
    odds = near / far * factor
    return (near + far) * odds / (1 + odds)


def _named(bounds: Bounds) -> str:
    return " and ".join(f"{bound:g}" for bound in bounds if math.isfinite(bound))


def _scale(bounds: Bounds) -> str:
    """Writes the function of a figure x that its interval is made of."""
    low, high = bounds
    below = "x" if low == 0 else f"(x + {-low:g})" if low < 0 else f"(x - {low:g})"
    above = f"({high:g} - x)"
    if math.isinf(high):
        return f"log {below}"
    return f"log {above}" if math.isinf(low) else f"log {below}/{above}"


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"expected finite values, one an image; found {array.size} of shape {array.shape}")
    return array
