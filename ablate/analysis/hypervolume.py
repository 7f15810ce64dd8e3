"""How much of the plane of two metrics a set of points covers, and how surely an arm belongs to its edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Point = tuple[float, float]
"""Two gains: of both, more is better."""

DRAWS = 1000
"""Resamples of the seeds behind a chance; its standard error is 1.6 percentage points at most."""

ENTRIES = 4_000_000
"""Pairs of points that are compared at once."""


@dataclass(frozen=True)
class Chance:
    """How often an arm is on the front: over the seeds one by one, and over resamples of all seeds together.

    `resampled` is None with one seed, which says nothing about others.
    """

    arm: str
    seeds_on_front: int
    seeds: int
    resampled: float | None


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Returns the area that the points dominate beyond `reference` (Zitzler and Thiele 1999, in two dimensions)."""
    area, edge = 0.0, reference[1]
    for x, y in sorted(points, reverse=True):
        if x > reference[0] and y > edge:
            area += (x - reference[0]) * (y - edge)
            edge = y
    return area


def front_chances(gains: Mapping[str, Mapping[int, Point]], draws: int = DRAWS) -> tuple[Chance, ...]:
    """Returns for each arm how often no other arm beats it when the seeds are drawn again.

    A draw takes as many seeds as there are, with replacement, the same for all arms, and compares the arms' means
    over their own measured seeds among them. What is beaten is defined as in `frontier`.

    Args:
        gains: arm -> seed -> gains.
        draws: number of resamples.
    """
    import numpy as np

    seeds = sorted({seed for found in gains.values() for seed in found})
    values = np.full((len(gains), len(seeds), 2), np.nan)
    for row, found in enumerate(gains.values()):
        for seed, point in found.items():
            values[row, seeds.index(seed)] = point
    measured = ~np.isnan(values[:, :, 0])
    singly = _on_front(np.where(measured[:, :, None], values, np.nan).transpose(1, 0, 2))
    shares: np.ndarray | None = None
    if len(seeds) > 1:
        counts = np.random.default_rng(0).multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=draws)
        total = np.einsum("ds,asm->dam", counts, np.nan_to_num(values))
        weight = (counts @ measured.T)[:, :, None]
        shares = _on_front(np.where(weight > 0, total / np.maximum(weight, 1), np.nan)).mean(axis=0)
    return tuple(
        Chance(arm, int(singly[:, row].sum()), int(measured[row].sum()), None if shares is None else float(shares[row]))
        for row, arm in enumerate(gains)
    )


def _on_front(points: np.ndarray) -> np.ndarray:
    """Returns which of the points (draws, arms, 2) no other of its draw beats; a missing one (NaN) is not on it."""
    import numpy as np

    draws, arms, _ = points.shape
    found = np.zeros((draws, arms), dtype=bool)
    step = max(1, ENTRIES // arms**2)
    for start in range(0, draws, step):
        x, y = points[start : start + step].transpose(2, 0, 1)
        own_x, own_y, other_x, other_y = x[:, :, None], y[:, :, None], x[:, None, :], y[:, None, :]
        beaten = (other_x >= own_x) & (other_y >= own_y) & ((other_x > own_x) | (other_y > own_y))
        found[start : start + step] = ~beaten.any(-1) & ~np.isnan(x)
    return found
