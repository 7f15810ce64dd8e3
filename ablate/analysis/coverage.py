"""The share of a plane of two metrics that the arms of each level dominate: a trade-off as one number, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.analysis.axes import Axis
from ablate.analysis.hypervolume import Point, hypervolume
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.scatter import Scatter
from ablate.analysis.study import Study
from ablate.records import CellRecord


@dataclass(frozen=True)
class Coverage:
    """The share that a level covers, and its difference to that of the baseline level, paired by seed."""

    axis: str
    level: str
    baseline: str
    by_seed: Mapping[int, float]
    interval: Interval
    difference: Interval | None


def coverage(study: Study, scatter: Scatter, path: Axis | None) -> list[Coverage]:
    """Returns for each level of each axis but `path`, which traces the trade-off, the share of the plane it dominates.

    The plane reaches from the worst to the best value of each metric over all cells; a seed counts where the level
    and the baseline level have the same settings, and a diverged cell among them adds nothing.
    """
    box = _box(scatter)
    if box is None:
        return []
    found = []
    for axis in study.axes:
        if axis is path:
            continue
        levels = {level: _by_seed(study, scatter, axis, level, box) for level in axis.levels}
        for level, by_seed in levels.items():
            if not by_seed:
                continue
            base = levels[axis.baseline]
            shared = [by_seed[seed] - base[seed] for seed in by_seed if seed in base and level != axis.baseline]
            own, gap = t_interval(list(by_seed.values())), t_interval(shared) if shared else None
            found.append(Coverage(axis.name, level, axis.baseline, by_seed, own, gap))
    return found


def _box(scatter: Scatter) -> tuple[Point, Point] | None:
    """Returns the worst and the best gains over all cells; None where a metric does not vary."""
    pairs = [pair for seeds in scatter.gains.values() for pair in seeds.values()]
    worst = (min(x for x, _ in pairs), min(y for _, y in pairs))
    best = (max(x for x, _ in pairs), max(y for _, y in pairs))
    return (worst, best) if best[0] > worst[0] and best[1] > worst[1] else None


def _by_seed(
    study: Study, scatter: Scatter, axis: Axis, level: str, box: tuple[Point, Point]
) -> dict[int, float]:  # fmt: skip
    """Returns the covered share for each seed in which the level has ended in every setting that it shares."""
    (worst, best), slots = box, study.slots[axis.name]
    area = (best[0] - worst[0]) * (best[1] - worst[1])
    seeds: dict[int, list[CellRecord]] = {}
    for (at, seed, block), cell in slots.items():
        if at == level and all((other, seed, block) in slots for other in axis.levels):
            seeds.setdefault(seed, []).append(cell)
    shares = {}
    for seed, cells in sorted(seeds.items()):
        if all(cell.status.finished for cell in cells):
            points = [pair for cell in cells if (pair := scatter.gains.get(cell.arm, {}).get(seed))]
            shares[seed] = hypervolume(points, worst) / area
    return shares
