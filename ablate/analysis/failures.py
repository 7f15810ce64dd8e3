"""Cells that diverged, as results: how often, with what certainty, and what scores are when failures count as worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ablate.analysis.effects import Score, score_of
from ablate.analysis.frontier import Direction
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.study import Arm, Study
from ablate.records import CellRecord, Status


@dataclass(frozen=True)
class FailureRate:
    """How many of an arm's ended cells diverged, with Wilson's interval; what failed or never ran is no result."""

    arm: str
    diverged: int
    ended: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Diverged over ended."""
        return self.diverged / self.ended


def wilson(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the limits of a share of `count` in `of` (Wilson 1927), which hold at zero and at all of a few.

    Raises:
        ValueError: where `count` is not between 0 and `of`, or `of` is 0.
    """
    from scipy import special

    if not 0 <= count <= of or not of:
        raise ValueError(f"expected a count between 0 and the positive number of trials, found {count} of {of}")
    z = float(special.ndtri(0.5 + confidence / 2))
    share, z2 = count / of, z * z
    center = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    # At the ends the limit is 0 or 1 but for rounding.
    return (0.0 if not count else center - half), (1.0 if count == of else center + half)


def failure_rates(study: Study) -> tuple[FailureRate, ...]:
    """Returns the rate of every arm with a cell that ended, in the order of the plan."""
    found = []
    for arm in study.arms:
        diverged, ended = sum(cell.status is Status.diverged for cell in arm.cells), len(_ended(arm))
        if ended:
            found.append(FailureRate(arm.name, diverged, ended, *wilson(diverged, ended)))
    return tuple(found)


def with_failures_as_worst(study: Study, metric: str, direction: Direction) -> Score | None:
    """Returns how to read a metric so that a diverged cell has the worst value that any finished cell of the grid has.

    None where no cell has a value.
    """
    read = score_of(metric)
    values = [value for cell in study.cells if (value := read(cell)) is not None]
    if not values:
        return None
    worst = min(values) if direction == "higher" else max(values)
    return lambda cell: worst if cell.status is Status.diverged else read(cell)


def means_with_failures(study: Study, metric: str, direction: Direction) -> Mapping[str, Interval]:
    """Returns each arm's mean over its ended seeds with failures as worst."""
    read = with_failures_as_worst(study, metric, direction)
    if read is None:
        return {}
    scores = {arm.name: [value for cell in _ended(arm) if (value := read(cell)) is not None] for arm in study.arms}
    return {name: t_interval(values) for name, values in scores.items() if values}


def _ended(arm: Arm) -> list[CellRecord]:
    return [cell for cell in arm.cells if cell.status.finished]
