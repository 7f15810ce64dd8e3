"""How large a paired difference is against its spread, and how large one a number of seeds can find."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Sequence

from ablate.analysis.intervals import t_quantile
from ablate.analysis.significance import skewed_quantile

LARGEST = 1000
"""Seeds beyond which nobody asks how many more it takes."""
ABOUT = tuple(dict.fromkeys(round(LARGEST ** (step / 66)) for step in range(7, 67)))
"""Numbers of seeds from 2 on, a tenth apart: what takes long to compute is computed for few of them."""


def hedges_g(differences: Sequence[float]) -> float | None:
    """Returns Hedges' g of paired differences: their mean over their standard deviation, corrected for small n.

    This is the paired effect size (g_z): it says how far the difference stands out from what seeds move it, not from
    what seeds move the scores. The correction is exact, Γ(m/2) / (√(m/2) Γ((m-1)/2)) with m = n - 1 (Hedges 1981).
    None where there is no spread to divide by, or with fewer than three differences, for which it does not exist.
    """
    n = len(differences)
    if n < 3:
        return None
    mean = math.fsum(differences) / n
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1))
    # What is left of equal differences after rounding is no spread.
    if deviation <= 1e-12 * max(abs(value) for value in differences):
        return None
    degrees = n - 1
    logarithm = math.lgamma(degrees / 2) - math.log(degrees / 2) / 2 - math.lgamma((degrees - 1) / 2)
    return mean / deviation * math.exp(logarithm)


def detectable(seeds: int, deviation: float, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Returns the minimum detectable effect: the true difference that a paired two-sided t-test finds with `power`.

    `deviation` is the standard deviation of the paired differences, one a seed, in the unit of the result. None with
    fewer than two seeds, which have no spread.
    """
    return None if seeds < 2 else _in_deviations(seeds, t_quantile(seeds - 1, 1 - alpha / 2), power) * deviation


def excludable(seeds: int, deviation: float, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Returns the margin by which seeds that did not become worse are shown not to have, with `power`.

    At the one-sided level `alpha` of `non_inferior_p`, where differences are normal with that `deviation`. None with so
    few seeds that its exact test, whose p is at least 0.5 to their number, shows nothing.
    """
    if seeds < 2 or 0.5**seeds > alpha:
        return None
    critical = max(t_quantile(seeds - 1, 1 - alpha), skewed_quantile(seeds, alpha))
    return _in_deviations(seeds, critical, power) * deviation


@functools.cache
def _in_deviations(seeds: int, critical: float, power: float) -> float:
    """Returns the mean, in deviations, whose statistic lies beyond a critical value with some power."""
    from scipy import optimize, special

    degrees = seeds - 1

    def missing(noncentrality: float) -> float:
        # Finding a difference of the wrong sign is as likely as a normal deviate below -noncentrality at most; beyond 6
        # that is below 1e-9, and scipy's tail is no number.
        wrong = 1 - special.nctdtr(degrees, -noncentrality, critical) if noncentrality < 6 else 0.0
        return float(1 - special.nctdtr(degrees, noncentrality, critical) + wrong - power)

    upper = 2.0
    while missing(upper) < 0:
        upper *= 2
    return float(optimize.brentq(missing, 0.0, upper, xtol=1e-10)) / math.sqrt(seeds)


def seeds_to_resolve(deviation: float, margin: float, alpha: float = 0.05, *, inside: bool = False) -> int | None:
    """Returns how many seeds make the half-width of the 1 - `alpha` interval no larger than `margin`.

    Then a difference of zero can be told from one of `margin`; `inside` asks for the limit of skewed differences, too,
    without which no difference is shown to be that small, and counts in steps of a tenth. None where it takes more than
    `LARGEST`.
    """

    def enough(seeds: int) -> bool:
        quantile = t_quantile(seeds - 1, 1 - alpha / 2)
        if inside:
            quantile = max(quantile, skewed_quantile(seeds, alpha / 2))
        return quantile * deviation / math.sqrt(seeds) <= margin

    counts = ABOUT if inside else range(2, LARGEST + 1)
    found = bisect.bisect_left(counts, True, key=enough)
    return counts[found] if found < len(counts) else None
