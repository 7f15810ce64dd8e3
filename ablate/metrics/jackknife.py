"""Uncertainty of a figure, since other images could have been tested on.

Images are the unit: patches of one image are alike, and resampling them would pretend to more evidence than there
is. Training noise is another matter, and is seen in seeds only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure over images with its standard error and its 95 % interval, which are None for a single group.

    `bias` is the jackknife's estimate of how much the figure is too large because there are not more images; it is
    not taken off `value`. `groups` is how many sets of images were left out in turn, usually one for each image.
    """

    value: float
    standard_error: float | None
    low: float | None
    high: float | None
    bias: float | None
    images: int
    groups: int

    def record(self) -> dict[str, Any]:
        """Returns what a result keeps of it; the figure itself stands among the metrics."""
        return {
            "standard_error": self.standard_error,
            "low": self.low,
            "high": self.high,
            "bias": self.bias,
            "images": self.images,
            "groups": self.groups,
            "method": "jackknife over images, t interval of 95 %",
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


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"expected finite values, one an image; found {array.size} of shape {array.shape}")
    return array
