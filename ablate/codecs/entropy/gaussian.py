"""Gaussian probabilities of integers around a mean, with a scale for each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ablate.codecs.entropy.bounded import at_least

SMALLEST_SCALE, LARGEST_SCALE = 0.11, 256.0
SMALLEST = 1e-9
"""Least probability."""
SCALES = 64
"""Scales that files tell apart, evenly spaced in their logarithm."""


def probability(values: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Returns the probability of the unit interval around each value, at least `SMALLEST`; all of one shape.

    Source: Minnen et al. 2018, "Joint autoregressive and hierarchical priors for learned image compression",
    equation 3; scales below 0.11 are raised to it, as in Ballé et al. 2018.
    """
    scale = at_least(scale, SMALLEST_SCALE)
    distance = (values - mean).abs()
    found = _below((0.5 - distance) / scale) - _below((-0.5 - distance) / scale)
    return at_least(found, SMALLEST)


def scale_table() -> list[float]:
    """Returns the scales that files tell apart, rising."""
    low, high = math.log(SMALLEST_SCALE), math.log(LARGEST_SCALE)
    return [math.exp(low + (high - low) * index / (SCALES - 1)) for index in range(SCALES)]


def scale_index(scale: Tensor) -> Tensor:
    """Returns the index of the nearest scale of the table, by logarithm; int64."""
    low, high = math.log(SMALLEST_SCALE), math.log(LARGEST_SCALE)
    place = (scale.clamp(SMALLEST_SCALE, LARGEST_SCALE).log() - low) / (high - low) * (SCALES - 1)
    return place.round().long()


def _below(values: Tensor) -> Tensor:
    """Returns the normal cumulative distribution, exact in its lower tail."""
    return 0.5 * torch.erfc(-(2**-0.5) * values)
