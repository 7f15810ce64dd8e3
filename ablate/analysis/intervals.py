"""Confidence intervals of a mean over seeds."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence limits; the limits are None where one value says nothing about spread."""

    mean: float
    low: float | None
    high: float | None
    standard_deviation: float | None
    n: int
    confidence: float

    @property
    def excludes_zero(self) -> bool:
        """Whether every value inside has the sign of the mean."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Returns Student's interval of the mean of independent values.

    A percentile bootstrap covers 74 % instead of 95 % at three seeds, which is why it is not used.

    Raises:
        ValueError: without any value.
    """
    if not len(values):
        raise ValueError("an interval needs at least one value, found none")
    n, mean = len(values), math.fsum(values) / len(values)
    if n == 1:
        return Interval(mean, None, None, None, 1, confidence)
    deviation = (math.fsum((value - mean) ** 2 for value in values) / (n - 1)) ** 0.5
    half = t_quantile(n - 1, 0.5 + confidence / 2) * deviation / n**0.5
    return Interval(mean, mean - half, mean + half, deviation, n, confidence)


def seed_interval(by_seed: Mapping[int, float]) -> Interval | None:
    """Returns Student's interval of the mean over seeds, None without any."""
    return t_interval(list(by_seed.values())) if by_seed else None


@functools.cache
def t_quantile(degrees: int, probability: float) -> float:
    """Returns the value that Student's t with `degrees` of freedom stays below with `probability`."""
    from scipy import special

    return float(special.stdtrit(degrees, probability))
