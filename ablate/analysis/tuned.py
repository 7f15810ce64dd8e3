"""What tuning does to the comparison of arms: its gain for each, and whether their order at defaults survives it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ablate.analysis.frontier import Direction
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.study import Arm

Fate = Literal["kept", "reversed", "lost", "found", "open"]
"""What becomes of the order of two arms: told apart before and after, alike or the other way round; only before; only
after; neither."""


@dataclass(frozen=True)
class TunedPair:
    """An arm before and after tuning; `gain` is paired by seed, None where no seed has both."""

    name: str
    untuned: Arm
    tuned: Arm | None

    def gain(self, metric: str) -> Interval | None:
        """Returns tuned minus untuned."""
        return paired(self.tuned, self.untuned, metric) if self.tuned is not None else None


@dataclass(frozen=True)
class Order:
    """How two arms compare at defaults and tuned: differences of the first to the second, paired by seed."""

    first: str
    second: str
    untuned: Interval
    tuned: Interval

    @property
    def fate(self) -> Fate:
        """Whether the order at defaults survives; two arms are told apart where the interval excludes zero."""
        before, after = self.untuned.excludes_zero, self.tuned.excludes_zero
        if before and after:
            return "kept" if (self.untuned.mean > 0) == (self.tuned.mean > 0) else "reversed"
        return "lost" if before else "found" if after else "open"


def paired(one: Arm, other: Arm, metric: str) -> Interval | None:
    """Returns the difference of two arms over the seeds that both have."""
    own, its = one.scores(metric), other.scores(metric)
    shared = [own[seed] - its[seed] for seed in own if seed in its]
    return t_interval(shared) if shared else None


def orders(arms: Sequence[TunedPair], metric: str) -> tuple[Order, ...]:
    """Compares every two arms at defaults and tuned."""
    found = []
    for one, other in itertools.combinations(arms, 2):
        untuned = paired(one.untuned, other.untuned, metric)
        tuned = paired(one.tuned, other.tuned, metric) if one.tuned and other.tuned else None
        if untuned is not None and tuned is not None:
            found.append(Order(one.name, other.name, untuned, tuned))
    return tuple(found)


def ranked(arms: Sequence[TunedPair], metric: str, direction: Direction, tuned: bool) -> tuple[str, ...]:
    """Returns the names of the arms from the best mean to the worst; arms without a value are left out."""
    means = {
        each.name: mean
        for each in arms
        if (arm := each.tuned if tuned else each.untuned) is not None and (mean := arm.mean(metric)) is not None
    }
    return tuple(sorted(means, key=lambda name: means[name], reverse=direction == "higher"))
