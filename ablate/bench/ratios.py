"""From samples taken side by side to a ratio, its interval and a verdict."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Literal, NamedTuple

Verdict = Literal["faster", "slower", "same", "ambiguous"]
CONFIDENCE = 0.95
EQUAL, SAME = 0.01, 0.05
"""Within the first of 1 no difference is claimed, however quiet the machine is; within the second two are the same."""


class Ratio(NamedTuple):
    """How many times as fast as the baseline: median of the rounds' ratios with the limits of its interval.

    The limits are None where there are too few rounds for any.
    """

    median: float
    low: float | None
    high: float | None

    @property
    def half_width(self) -> float:
        """Half of the interval in parts of the median; infinite where there is none."""
        if self.low is None or self.high is None:
            return math.inf
        return (self.high - self.low) / 2 / self.median


def paired_ratio(baseline: Sequence[float], candidate: Sequence[float]) -> Ratio:
    """Returns baseline over candidate, round by round: whatever slows a whole round divides out.

    The interval is that between order statistics, exact for any distribution of the ratios (it inverts the sign test);
    it needs six rounds for 95 %, where a bootstrap would pretend to an interval from two.

    Raises:
        ValueError: if the two were not taken in the same rounds.
    """
    if len(baseline) != len(candidate) or not baseline:
        raise ValueError(f"{len(baseline)} samples of the baseline do not pair with {len(candidate)}")
    ratios = sorted(one / other for one, other in zip(baseline, candidate, strict=True))
    rank = _rank(len(ratios))
    low, high = (ratios[rank - 1], ratios[-rank]) if rank else (None, None)
    return Ratio(statistics.median(ratios), low, high)


def noise(control: Ratio) -> float:
    """Returns how far from 1 two runs of the same code lie apart, as a part of 1; never less than EQUAL.

    Infinite where the control has no interval yet.
    """
    if control.low is None or control.high is None:
        return math.inf
    return max(EQUAL, 1 / control.low - 1, control.high - 1)


def verdict(ratio: Ratio, within: float) -> Verdict:
    """Says faster or slower where the whole interval lies beyond the noise, same where all of it lies near 1.

    A noisy machine makes nothing the same: what it cannot tell apart is ambiguous.
    """
    if ratio.low is None or ratio.high is None or math.isinf(within):
        return "ambiguous"
    upper, lower = 1 + within, 1 / (1 + within)
    if ratio.low > upper:
        return "faster"
    if ratio.high < lower:
        return "slower"
    return "same" if ratio.low >= 1 / (1 + SAME) and ratio.high <= 1 + SAME else "ambiguous"


def _rank(count: int) -> int:
    """Returns the largest k for which the k-th smallest and k-th largest enclose the median with 95 %; 0 for none."""
    outside = itertools.accumulate(2 * math.comb(count, k) / 2**count for k in range(count))
    return sum(chance <= 1 - CONFIDENCE for chance in outside)
