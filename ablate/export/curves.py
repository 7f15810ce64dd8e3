"""The curves of a study: all metrics of each setting over the bits that one axis moves."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.analysis import RATE, Axis, Interval, Study, t_interval
from ablate.analysis.rate_curves import rate_axis, vertices
from ablate.metrics.catalogue import in_reading_order


@dataclass(frozen=True)
class Point:
    """A level of the rate axis, or an arm where there is none: each metric's mean over seeds, with its interval."""

    level: str
    values: dict[str, Interval]


@dataclass(frozen=True)
class StudyCurve:
    """Points of one setting of the other axes, in the order of their bits."""

    name: str
    points: tuple[Point, ...]


def study_curves(study: Study) -> tuple[StudyCurve, ...]:
    """Returns a curve for each setting; where no axis moves the bits, each arm is one of a single point."""
    names = metric_names(study)
    axis = rate_axis(study)
    if axis is None:
        return tuple(
            StudyCurve(arm.name, (Point(arm.name, values),))
            for arm in study.arms
            if RATE in (values := {name: t_interval([*of.values()]) for name in names if (of := arm.scores(name))})
        )
    blocks = dict.fromkeys(block for _, _, block in study.slots[axis.name])
    found = [_along(study, axis, block, names) for block in blocks]
    return tuple(curve for curve in found if curve.points)


def metric_names(study: Study) -> tuple[str, ...]:
    """Returns the metrics that any cell was measured by, in reading order."""
    written = {name for cell in study.cells if cell.measured for of in cell.measured.metrics.values() for name in of}
    return tuple(metric.name for metric in in_reading_order(written))


def _along(study: Study, axis: Axis, block: tuple[str, ...], names: tuple[str, ...]) -> StudyCurve:
    others = [other.name for other in study.axes if other is not axis]
    by_metric = {name: {at.level: at.interval for at in vertices(study, axis, name, block)} for name in names}
    levels = [vertex.level for vertex in vertices(study, axis, RATE, block)]
    points = [
        Point(level, {name: found[level] for name, found in by_metric.items() if level in found}) for level in levels
    ]
    name = " ".join(f"{key}={level}" for key, level in zip(others, block, strict=True))
    return StudyCurve(name or study.name, tuple(points))
