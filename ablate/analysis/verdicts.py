"""Better, worse, equivalent or inconclusive: what paired differences say against the smallest effect that matters.

A verdict names the part of the line in which the true difference lies: beyond the margin on the good side, beyond it on
the bad side, or between. The parts do not overlap, so a verdict is wrong only where its interval misses the truth
(Goeman, Solari and Stijnen 2010). Student's interval rests on differences that scatter about normally; the exact
sign-flip test, moved to the edge of the part, rests on their symmetry alone. A verdict needs both. Equivalence is the
claim that nothing lies far out, which seeds that seldom fall far to one side can feign; it also needs a test that holds
where differences are as skewed as exponential ones. So does the gate's claim that nothing became worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ablate.analysis.frontier import Direction, sign_of
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.significance import sign_flip_p, skewed_p, smallest_p

Conclusion = Literal["better", "worse", "equivalent", "inconclusive"]
"""Inconclusive is what is left when the differences support none of the others."""


@dataclass(frozen=True)
class Judgement:
    """One contrast by itself, before it is corrected for its family.

    Attributes:
        interval: Student's interval of the mean difference at 1 - alpha.
        claim: the part of the line that the differences speak for most, never inconclusive.
        claim_p: the smallest alpha at which they support it: two-sided, the largest of Student's, the exact one and,
            for equivalence, that for skewed differences.
        p: the exact sign-flip p-value against no difference, two-sided.
        smallest_p: the smallest that either exact p-value can be with this number of seeds.
        outcome: the claim where `claim_p` reaches alpha.
    """

    interval: Interval
    claim: Conclusion
    claim_p: float
    p: float
    smallest_p: float
    outcome: Conclusion


def judge(differences: Sequence[float], margin: float, direction: Direction, alpha: float = 0.05) -> Judgement:
    """Judges paired differences to a baseline, one a seed, against ±`margin` in their own unit.

    With a margin of 0 a difference can be better or worse, and never equivalent.

    Raises:
        ValueError: without a difference, or with a margin that is negative or not finite.
    """
    if not 0 <= margin < math.inf:
        raise ValueError(f"expected a finite margin of at least 0, found {margin}")
    interval = t_interval(differences, 1 - alpha)
    gains = [sign_of(direction) * value for value in differences]
    found: dict[Conclusion, float] = {
        "better": beyond_zero_p([value - margin for value in gains]),
        "worse": beyond_zero_p([-value - margin for value in gains]),
    }
    if margin:
        inside = ([margin + value for value in gains], [margin - value for value in gains])
        found["equivalent"] = max(map(inside_p, inside))
    claim = min(found, key=lambda outcome: found[outcome])
    claim_p = min(1.0, 2 * found[claim])
    outcome: Conclusion = claim if claim_p <= alpha else "inconclusive"
    return Judgement(interval, claim, claim_p, sign_flip_p(differences), smallest_p(len(differences)), outcome)


def non_inferior_p(differences: Sequence[float], margin: float, direction: Direction) -> float:
    """Returns the one-sided p-value of being worse by `margin` or more: half of what *equivalent* takes.

    It is the largest of Student's, the exact one, and that for seeds of which few fall far behind.
    """
    return inside_p([sign_of(direction) * value + margin for value in differences])


def beyond_zero_p(values: Sequence[float]) -> float:
    """Returns the one-sided p-value of a mean of 0 or less: the larger of Student's and the exact sign-flip one."""
    return max(_student(values), sign_flip_p(values, sided=1))


def inside_p(values: Sequence[float]) -> float:
    """Returns the same where few values may fall far below the others, as exponential ones do."""
    return max(beyond_zero_p(values), _skewed(values))


def _student(values: Sequence[float]) -> float:
    from scipy import special

    return float(special.stdtr(len(values) - 1, -_statistic(values))) if len(values) > 1 else 1.0


def _skewed(values: Sequence[float]) -> float:
    return skewed_p(_statistic(values), len(values)) if len(values) > 1 else 1.0


def _statistic(values: Sequence[float]) -> float:
    """Returns the mean of two or more values in its standard errors, without limit where they do not scatter."""
    own = t_interval(values)
    if not own.standard_deviation:
        return math.inf if own.mean > 0 else -math.inf
    return own.mean / (own.standard_deviation / math.sqrt(own.n))


def leaning(interval: Interval, margin: float, direction: Direction) -> Conclusion:
    """Returns the part of the line that an interval lies in by itself, whatever the exact test can reach.

    For asking what a verdict depends on; no claim.
    """
    if interval.low is None or interval.high is None:
        return "inconclusive"
    low, high = (interval.low, interval.high) if direction == "higher" else (-interval.high, -interval.low)
    if low > margin:
        return "better"
    if high < -margin:
        return "worse"
    return "equivalent" if -margin < low and high < margin else "inconclusive"
