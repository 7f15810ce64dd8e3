"""Two metrics against each other: where each arm lies, seed by seed and on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ablate.analysis.frontier import frontier
from ablate.analysis.hypervolume import Point
from ablate.analysis.study import Arm
from ablate.metrics import Metric


@dataclass(frozen=True)
class Scatter:
    """A metric of quality against another one; only seeds that were measured by both count.

    Arms that were trained against the network that one of them looks through are left out.
    """

    arms: Sequence[Arm]
    quality: Metric
    other: Metric

    @cached_property
    def seeds(self) -> Mapping[str, Mapping[int, Point]]:
        """Arm -> seed -> quality and other, for every arm with such a seed."""
        found = {}
        for arm in self.arms:
            if arm.trained_against(self.quality.name) or arm.trained_against(self.other.name):
                continue
            own, other = arm.scores(self.quality.name), arm.scores(self.other.name)
            found[arm.name] = {seed: (own[seed], other[seed]) for seed in own if seed in other}
        return {name: pairs for name, pairs in found.items() if pairs}

    @cached_property
    def points(self) -> Mapping[str, Point]:
        """Arm -> means over its seeds."""
        return {name: _mean(list(pairs.values())) for name, pairs in self.seeds.items()}

    @cached_property
    def centred(self) -> Mapping[str, Mapping[int, Point]] | None:
        """`seeds` without what a seed moves for all arms alike, None where arms have different seeds or only one.

        Each seed is shifted to the mean over all (Cousineau 2005), and each arm's spread is widened by what the shift
        took from it (Morey 2008), so that distances between arms look as sure as paired comparisons find them.
        """
        arms, seeds = list(self.seeds.values()), list(next(iter(self.seeds.values()), {}))
        if len(arms) < 2 or len(seeds) < 2 or any(set(pairs) != set(seeds) for pairs in arms):
            return None
        widened = (len(arms) / (len(arms) - 1)) ** 0.5
        shifts = {seed: _mean([pairs[seed] for pairs in arms]) for seed in seeds}
        middle = _mean(list(shifts.values()))

        def shifted(seed: int, pair: Point, mean: Point) -> Point:
            a, b = (p - s + m - own for p, s, m, own in zip(pair, shifts[seed], middle, mean, strict=True))
            return mean[0] + widened * a, mean[1] + widened * b

        return {
            name: {seed: shifted(seed, pair, self.points[name]) for seed, pair in pairs.items()}
            for name, pairs in self.seeds.items()
        }

    @property
    def shown(self) -> Mapping[str, Mapping[int, Point]]:
        """Single seeds as drawings show them: `centred`, or `seeds` where that is not possible."""
        return self.centred or self.seeds

    @cached_property
    def gains(self) -> Mapping[str, Mapping[int, Point]]:
        """The same seed by seed, turned so that of both more is better."""
        return {name: {seed: self.gain(pair) for seed, pair in pairs.items()} for name, pairs in self.seeds.items()}

    def gain(self, point: Point) -> Point:
        """Returns a point turned so that of both more is better."""
        return self.quality.sign * point[0], self.other.sign * point[1]

    @cached_property
    def front(self) -> tuple[str, ...]:
        """The arms whose means no other arm's beat."""
        return frontier(self.points, [self.quality.better, self.other.better])


def _mean(points: Sequence[Point]) -> Point:
    return sum(a for a, _ in points) / len(points), sum(b for _, b in points) / len(points)


def confidence_ellipse(points: Sequence[Point], confidence: float = 0.95) -> tuple[float, float, float]:
    """Returns width, height and angle in degrees of the confidence region of a mean over n > 2 points.

    Hotelling's T²: (mean - m)' S^-1 (mean - m) <= 2 (n - 1) / (n (n - 2)) F(2, n - 2).
    """
    import numpy as np
    from scipy import special

    n = len(points)
    radius = (2 * (n - 1) / (n * (n - 2)) * special.fdtri(2, n - 2, confidence)) ** 0.5
    lengths, directions = np.linalg.eigh(np.cov(np.array(points).T))
    height, width = 2 * radius * np.sqrt(np.maximum(lengths, 0.0))
    return float(width), float(height), float(np.degrees(np.arctan2(directions[1, 1], directions[0, 1])))
