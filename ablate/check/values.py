"""How far a metric moved over the seeds of an arm, and what that means against its margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from ablate.analysis import judge, margin_value, non_inferior_p, seeds_for
from ablate.analysis.frontier import sign_of
from ablate.check.finding import GateOutcome
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
    outcome: GateOutcome
    detail: str = ""


def judge_exactly(pairs: Pairs, margin: Margin) -> Movement:
    """Judges the seed that moved most: within the margin it passes, beyond it is better or worse.

    A seed that became worse counts before any that became better.
    """
    was, now = _means(pairs)
    allowed = margin_value(margin.margin, was)
    gains = {seed: sign_of(margin.direction) * (after - before) for seed, (before, after) in pairs.items()}
    worst, best = min(gains, key=lambda seed: gains[seed]), max(gains, key=lambda seed: gains[seed])
    outcome = GateOutcome.passed
    seed = worst if -gains[worst] >= gains[best] else best
    if gains[worst] < -allowed:
        outcome, seed = GateOutcome.regressed, worst
    elif gains[best] > allowed:
        outcome, seed = GateOutcome.improved, best
    detail = f"seed {seed}" if len(pairs) > 1 and outcome is not GateOutcome.passed else ""
    before, after = pairs[seed]
    return Movement(was, now, after - before, allowed, outcome, detail)


def judge_seeds(pairs: Pairs, margin: Margin, alpha: float) -> Movement:
    """Judges differences paired by seed: not worse by the margin passes, surely worse by it is regressed.

    Both are claims at `alpha`; where the seeds support neither, it is inconclusive. What no seed moves has no margin,
    and is compared exactly.
    """
    was, now = _means(pairs)
    allowed = margin_value(margin.margin, was)
    if not allowed:
        return judge_exactly(pairs, margin)
    differences = [after - before for before, after in pairs.values()]
    judged = judge(differences, allowed, margin.direction, alpha)
    limits = judged.interval
    detail = f"n = {len(pairs)}"
    if limits.low is not None and limits.high is not None:
        detail = f"[{limits.low:+.3g}, {limits.high:+.3g}], {detail}"
    outcome = GateOutcome.inconclusive
    if judged.outcome in ("better", "worse"):
        outcome = GateOutcome.improved if judged.outcome == "better" else GateOutcome.regressed
    elif non_inferior_p(differences, allowed, margin.direction) <= alpha:
        outcome = GateOutcome.passed
    elif 0.5 ** len(pairs) > alpha:
        # An exact one-sided test over n signs has no smaller p than 0.5 ** n.
        detail += f": {seeds_for(2 * alpha)} seeds are the fewest that can pass at alpha {alpha:g}"
    return Movement(was, now, limits.mean, allowed, outcome, detail)


def _means(pairs: Pairs) -> tuple[float, float]:
    return fmean(before for before, _ in pairs.values()), fmean(after for _, after in pairs.values())
