"""A metric over the bits that an axis moves: which axis that is, and the curve through its levels."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.analysis.axes import Axis
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.study import Study
from ablate.metrics.naming import rate_of

MOVES = 1.05
"""An axis moves bits where the dearest of its levels costs this many times the cheapest."""


@dataclass(frozen=True)
class Vertex:
    """One level of the rate axis on a curve: mean bits, and the metric's interval over seeds."""

    level: str
    rate: float
    interval: Interval


def rate_axis(study: Study) -> Axis | None:
    """Returns the numeric axis that moves the bits most, None where none moves them enough."""
    best = max((axis for axis in study.axes if axis.numbers), key=lambda axis: study.moved[axis.name], default=None)
    return best if best and study.moved[best.name] >= MOVES else None


def vertices(
    study: Study, axis: Axis, metric: str, key: tuple[str, ...], only: int | None = None
) -> tuple[Vertex, ...]:
    """Returns the curve of the cells whose levels on the other axes begin with `key`, in the order of the bits.

    Of all seeds, or of one only.
    """
    found = []
    for level in axis.levels:
        seeds: dict[int, list[tuple[float, float]]] = {}
        for (at, seed, block), cell in study.slots[axis.name].items():
            rate, value = cell.score(rate_of(metric)), cell.score(metric)
            if only not in (None, seed) or at != level or block[: len(key)] != key:
                continue
            if rate is not None and value is not None:
                seeds.setdefault(seed, []).append((rate, value))
        if seeds:
            rates = [sum(rate for rate, _ in pairs) / len(pairs) for pairs in seeds.values()]
            values = [sum(value for _, value in pairs) / len(pairs) for pairs in seeds.values()]
            found.append(Vertex(level, sum(rates) / len(rates), t_interval(values)))
    return tuple(sorted(found, key=lambda vertex: vertex.rate))
