"""How `ablate` judges paired seeds, on plain arrays: for results that come from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ablate.analysis.effect_size import hedges_g
from ablate.analysis.significance import seeds_for
from ablate.analysis.verdicts import Conclusion, judge

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Comparison:
    """What paired values say of `a` against `b`.

    Attributes:
        verdict: "better", "worse" or "equivalent" where a test supports it at `alpha`, else "inconclusive".
        difference: mean of a - b over the pairs.
        low: lower end of Student's interval of the difference at 1 - alpha; None with one pair.
        high: upper end.
        p: two-sided p-value of no difference, by flipping signs exactly.
        claim_p: p-value of the verdict's own claim against the margin; the larger of two tests, or of three.
        hedges_g: the difference in standard deviations of the pairs' differences; None with two pairs or fewer, and
            without spread.
        pairs: how many there are.
        pairs_needed: how many it takes until `p` can reach `alpha` at all.
        margin: the smallest difference that matters.
        alpha: the level of significance.
    """

    verdict: Conclusion
    difference: float
    low: float | None
    high: float | None
    p: float
    claim_p: float
    hedges_g: float | None
    pairs: int
    pairs_needed: int
    margin: float
    alpha: float


def compare(
    a: Sequence[float] | np.ndarray,
    b: Sequence[float] | np.ndarray,
    *,
    margin: float = 0.0,
    direction: Literal["higher", "lower"] = "higher",
    alpha: float = 0.05,
    comparisons: int = 1,
) -> Comparison:
    """Compares values that are paired by position: the same seed, the same settings beside the one in question.

    Args:
        a: one value a seed.
        b: of the baseline, in the same order.
        margin: the smallest difference that matters, in the values' own unit; without one nothing is "equivalent".
        direction: which values are better.
        alpha: the level of significance.
        comparisons: how many comparisons this is one of; `alpha` is divided by it (Bonferroni).

    Raises:
        ValueError: for arrays of unequal length, without a pair, or with values or a margin that are not finite.
    """
    import numpy as np

    # One number a pair, all of them finite.
    own, other = (np.asarray(values, dtype=np.float64) for values in (a, b))
    if own.ndim != 1 or own.shape != other.shape or not own.size:
        raise ValueError(f"expected two lists of equal length, a value or more, found {own.shape} and {other.shape}")
    if not (np.isfinite(own).all() and np.isfinite(other).all()):
        raise ValueError("expected finite values; what has diverged is no value, and leaving it out should be said")
    if direction not in ("higher", "lower") or not 0 < alpha < 1 or comparisons < 1:
        raise ValueError(
            f'expected direction "higher" or "lower", 0 < alpha < 1 and comparisons >= 1, found {direction!r}, {alpha} '
            f"and {comparisons}"
        )
    # The verdict, as reports and the gate find it.
    level = alpha / comparisons
    differences = [float(value) for value in own - other]
    found = judge(differences, margin, direction, level)
    return Comparison(
        found.outcome, found.interval.mean, found.interval.low, found.interval.high, found.p, found.claim_p,
        hedges_g(differences), len(differences), seeds_for(level), margin, level,
    )  # fmt: skip
