"""How far a metric moved over the seeds of an arm, and what that means against its margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from ablate.analysis import t_interval
from ablate.check.margins import Margin

Pairs = Mapping[int, tuple[float, float]]
"""Seed -> the baseline's value and today's."""


@dataclass(frozen=True)
class Movement:
    """Means of both sides, their difference, the margin in the metric's unit, and what it comes to."""

    was: float
    now: float
    change: float
    margin: float
    outcome: Literal["pass", "improved", "regressed", "inconclusive"]
    detail: str = ""


def judge_exactly(pairs: Pairs, margin: Margin) -> Movement:
    """Judges the seed that moved most: within the margin it passes, beyond it is better or worse.

    A seed that became worse counts before any that became better.
    """
    was, now = _means(pairs)
    allowed = absolute(margin.margin, was)
    gains = {seed: _sign(margin) * (after - before) for seed, (before, after) in pairs.items()}
    worst, best = min(gains, key=lambda seed: gains[seed]), max(gains, key=lambda seed: gains[seed])
    outcome: Literal["pass", "improved", "regressed"] = "pass"
    seed = worst if -gains[worst] >= gains[best] else best
    if gains[worst] < -allowed:
        outcome, seed = "regressed", worst
    elif gains[best] > allowed:
        outcome, seed = "improved", best
    detail = f"seed {seed}" if len(pairs) > 1 and outcome != "pass" else ""
    before, after = pairs[seed]
    return Movement(was, now, after - before, allowed, outcome, detail)


def judge_seeds(pairs: Pairs, margin: Margin, alpha: float) -> Movement:
    """Judges differences paired by seed: not worse by the margin passes, surely worse by it is regressed.

    Both are claims at `alpha`; where the seeds support neither, it is inconclusive.
    """
    was, now = _means(pairs)
    allowed = absolute(margin.margin, was)
    gains = [_sign(margin) * (after - before) for before, after in pairs.values()]
    limits = t_interval(gains, 1 - 2 * alpha)
    detail = f"n = {len(pairs)}"
    outcome: Literal["pass", "improved", "regressed", "inconclusive"] = "inconclusive"
    if len(pairs) < _seeds(alpha) or limits.low is None or limits.high is None:
        detail += f": {_seeds(alpha)} seeds are the fewest that can decide at alpha {alpha:g}"
    elif limits.high < -allowed:
        outcome = "regressed"
    elif limits.low > allowed:
        outcome = "improved"
    elif limits.low > -allowed or limits.low == limits.high == 0:
        outcome = "pass"
    if limits.low is not None and limits.high is not None:
        low, high = sorted((_sign(margin) * limits.low, _sign(margin) * limits.high))
        detail = f"[{low:+.3g}, {high:+.3g}], {detail}"
    return Movement(was, now, _sign(margin) * limits.mean, allowed, outcome, detail)


def absolute(margin: float | str, reference: float) -> float:
    """Returns a margin in the metric's unit, of which a percentage is taken of the baseline's value."""
    return float(margin[:-1]) / 100 * abs(reference) if isinstance(margin, str) else margin


def _means(pairs: Pairs) -> tuple[float, float]:
    return fmean(before for before, _ in pairs.values()), fmean(after for _, after in pairs.values())


def _sign(margin: Margin) -> float:
    return -1.0 if margin.direction == "lower" else 1.0


def _seeds(alpha: float) -> int:
    seeds = 1
    while 0.5**seeds > alpha:
        seeds += 1
    return seeds
