"""Which p-values a number of paired seeds can reach, tests of their mean, and corrections for many tests."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

EXACT_UP_TO = 16
"""Paired seeds up to which every pattern of signs is enumerated (65,536 patterns); drawn at random beyond."""

DRAWS = 100_000
NODES = 512
"""Quantiles that stand for the distribution of a coefficient of variation."""


def smallest_p(seeds: int) -> float:
    """Returns the smallest two-sided p-value that a sign-flip test over `seeds` paired differences can reach."""
    return min(1.0, 2.0 ** (1 - seeds))


def seeds_for(alpha: float, comparisons: int = 1) -> int:
    """Returns how many paired seeds it takes to reach `alpha` at the first step of Holm over `comparisons`."""
    if not 0 < alpha < 1 or comparisons < 1:
        raise ValueError(f"expected 0 < alpha < 1 and comparisons >= 1, found {alpha} and {comparisons}")
    seeds = 1
    while smallest_p(seeds) > alpha / comparisons:
        seeds += 1
    return seeds


def sign_flip_p(differences: Sequence[float], sided: Literal[1, 2] = 2) -> float:
    """Returns the p-value of the hypothesis that each paired difference is as likely to have either sign.

    Two-sided against a sum far from zero, or one-sided against a large one. Exact up to `EXACT_UP_TO` differences;
    beyond, over random sign patterns with the observed one counted in (Phipson and Smyth 2010), so that the p-value is
    never zero.
    """
    import numpy as np

    values = np.asarray(differences, dtype=np.float64)
    if not len(values):
        raise ValueError("a sign-flip test needs at least one paired difference, found none")
    # Sums that are equal but for rounding are as extreme as the observed one.
    least = values.sum() - 1e-9 * np.abs(values).sum()
    sums = _signs(len(values)) @ values
    if sided == 2:
        least, sums = abs(values.sum()) - 1e-9 * np.abs(values).sum(), np.abs(sums)
    extreme = int(np.sum(sums >= least))
    return extreme / len(sums) if len(values) <= EXACT_UP_TO else (extreme + 1) / (len(sums) + 1)


@functools.cache
def _signs(count: int) -> np.ndarray:
    """Returns patterns of signs, float64 (patterns, count) of ±1: all of them, or as many as are drawn."""
    import numpy as np

    if count <= EXACT_UP_TO:
        return 1.0 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
    return 1.0 - 2.0 * np.random.default_rng(0).integers(0, 2, size=(DRAWS, count), dtype=np.int8)


def skewed_p(statistic: float, seeds: int) -> float:
    """Returns the one-sided p-value of Student's statistic where rare seeds fall far below the others.

    It is the probability of so large a statistic where the mean is 0 and each difference is 1 minus an exponential
    one, whose long side lies where few seeds seldom look: such means seem larger and surer than they are, and Student's
    own p-value is a quarter of what it should be. Given the coefficient of variation, which is independent of the mean,
    the mean of exponential values is a gamma one; so only the coefficient is drawn, by a fixed stream.
    """
    from scipy import special

    if seeds < 2 or statistic <= 0:
        return 1.0
    ratio = seeds / (1 + statistic * _variations(seeds) / math.sqrt(seeds))
    return float(special.gammainc(seeds, ratio).mean())


@functools.cache
def skewed_quantile(seeds: int, p: float) -> float:
    """Returns the statistic whose `skewed_p` over two or more seeds is p."""
    from scipy import optimize

    upper = 2.0
    while skewed_p(upper, seeds) > p:
        upper *= 2
    return float(optimize.brentq(lambda statistic: skewed_p(statistic, seeds) - p, 0.0, upper))


@functools.cache
def _variations(count: int) -> np.ndarray:
    """Returns quantiles of the coefficient of variation of so many exponential values, float64 (NODES,)."""
    import numpy as np

    draws = np.random.default_rng(count).exponential(size=(max(NODES, min(DRAWS, 4_000_000 // count)), count))
    return np.quantile(draws.std(1, ddof=1) / draws.mean(1), (np.arange(NODES) + 0.5) / NODES)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for the share of false discoveries (Benjamini and Hochberg 1995), in order."""
    order = sorted(range(len(p_values)), key=lambda index: -p_values[index])
    adjusted, running = [1.0] * len(p_values), 1.0
    for rank, index in enumerate(order):
        running = min(running, p_values[index] * len(p_values) / (len(p_values) - rank))
        adjusted[index] = running
    return adjusted


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for the family they form (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
