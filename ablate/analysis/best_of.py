"""Expected best of k trials: what a budget of tuning buys, and not what one lucky trial reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.analysis.frontier import Direction

RESAMPLES = 2000


@dataclass(frozen=True)
class BestOf:
    """The expected best of so many trials, with the limits of its bootstrap interval."""

    trials: int
    mean: float
    low: float
    high: float


def best_of(values: Sequence[float], direction: Direction, confidence: float = 0.95) -> tuple[BestOf, ...]:
    """Returns the expected best of 1, 2, … and all trials, from the values of trials that were drawn alike.

    E[max of k] = sum over the sorted values v_i of v_i ((i/n)^k - ((i-1)/n)^k), the maximum of k draws from the
    empirical distribution (Dodge et al. 2019, Show Your Work). As k comes near n it leans on the few best trials and
    is biased towards the worse. Limits are percentiles over trials drawn again with replacement, by a fixed stream.

    Raises:
        ValueError: without any value.
    """
    import numpy as np

    if not len(values):
        raise ValueError("the best of no trials was asked for")
    sign = 1.0 if direction == "higher" else -1.0
    found = sign * np.asarray(values, np.float64)
    n = len(found)
    ranks = np.arange(n + 1) / n
    weights = np.array([np.diff(ranks**k) for k in range(1, n + 1)])
    again = np.random.Generator(np.random.PCG64(0)).integers(0, n, (RESAMPLES, n))
    means = weights @ np.sort(found)
    resampled = np.sort(found[again], axis=1) @ weights.T
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    limits = np.sort(sign * np.stack([low, high]), axis=0)
    return tuple(BestOf(k + 1, float(sign * means[k]), float(limits[0, k]), float(limits[1, k])) for k in range(n))
