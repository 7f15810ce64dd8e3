"""Whether what one axis does depends on another: differences of differences, paired by seed and by all other axes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ablate.analysis.effects import Score, score_of, scores_at, seed_means
from ablate.analysis.intervals import Interval, seed_interval
from ablate.analysis.significance import benjamini_hochberg, sign_flip_p, smallest_p
from ablate.analysis.study import Block, Study


@dataclass(frozen=True)
class Interaction:
    """By how much the effect of `level` on `axis` differs at `other_level` of `other` from what it is at its baseline.

    One value a seed. `adjusted_p` is exploratory: the sign-flip p-value, corrected by Benjamini and Hochberg over all
    interactions on the metric; None where the number of seeds cannot reach `alpha`.
    """

    axis: str
    level: str
    other: str
    other_level: str
    metric: str
    by_seed: Mapping[int, float]
    interval: Interval | None
    squares: int
    planned_squares: int
    p: float | None = None
    adjusted_p: float | None = None


def interactions(study: Study, metric: str, alpha: float = 0.05) -> tuple[Interaction, ...]:
    """Returns the interaction of every level with every level of another axis, each pair of axes once."""
    found = [
        each
        for first, second in itertools.combinations(range(len(study.axes)), 2)
        for each in _pair(study, first, second, metric, score_of(metric))
    ]
    p_values = [
        sign_flip_p(list(each.by_seed.values())) if each.by_seed and smallest_p(len(each.by_seed)) <= alpha else None
        for each in found
    ]
    adjusted = iter(benjamini_hochberg([p for p in p_values if p is not None]))
    return tuple(
        each if p is None else replace(each, p=p, adjusted_p=next(adjusted))
        for each, p in zip(found, p_values, strict=True)
    )


def _pair(study: Study, first: int, second: int, metric: str, score: Score) -> list[Interaction]:
    axis, other = study.axes[first], study.axes[second]
    slots = study.slots[axis.name]
    scores = scores_at(slots, score)
    # The other axis stands one place further left in the block, which leaves this axis out.
    index = second - 1
    places: dict[tuple[int, Block], None] = {}
    for _, seed, block in slots:
        places.setdefault((seed, (*block[:index], *block[index + 1 :])))
    result = []
    for level, other_level in itertools.product(axis.levels, other.levels):
        if level == axis.baseline or other_level == other.baseline:
            continue
        squares, planned = {}, 0
        for seed, rest in places:
            corners = [
                (at, seed, (*rest[:index], beside, *rest[index:]))
                for at in (level, axis.baseline)
                for beside in (other_level, other.baseline)
            ]
            planned += all(corner in slots for corner in corners)
            if all(corner in scores for corner in corners):
                here, there, base_here, base_there = (scores[corner] for corner in corners)
                squares[seed, rest] = (here - base_here) - (there - base_there)
        by_seed = seed_means(squares)
        names = (axis.name, level, other.name, other_level, metric)
        result.append(Interaction(*names, by_seed, seed_interval(by_seed), len(squares), planned))
    return result
