"""Which p-values a number of paired seeds can reach, the exact sign-flip test, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

EXACT_UP_TO = 16
"""Paired seeds up to which every pattern of signs is enumerated (65,536 patterns); drawn at random beyond."""

DRAWS = 100_000


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


def sign_flip_p(differences: Sequence[float]) -> float:
    """Returns the two-sided p-value of the hypothesis that each paired difference is as likely to have either sign.

    Exact up to `EXACT_UP_TO` differences; beyond, over random sign patterns with the observed one counted in
    (Phipson and Smyth 2010), so that the p-value is never zero.
    """
    import numpy as np

    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    if not n:
        raise ValueError("a sign-flip test needs at least one paired difference, found none")
    observed = abs(values.sum())
    tolerance = 1e-9 * np.abs(values).sum()
    if n <= EXACT_UP_TO:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ values) >= observed - tolerance))
    signs = 1.0 - 2.0 * np.random.default_rng(0).integers(0, 2, size=(DRAWS, n), dtype=np.int8)
    extreme = int(np.sum(np.abs(signs @ values) >= observed - tolerance))
    return (extreme + 1) / (DRAWS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for the family they form (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
