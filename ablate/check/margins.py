"""How far a metric may move before it counts, and why so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from pydantic import field_validator

from ablate.analysis import excludable, margin_value
from ablate.analysis.frontier import Direction
from ablate.check.record import GridRecord
from ablate.config import Settings

ALIKE_FACTOR = 4.0
"""A machine that was not tried may be further off than those that were."""

LEAST = 0.002
"""Of a value: what one latent moves that rounds to its other level, in trainings whose rate is told 1e-6 apart."""

POWER = 0.8


class Margin(Settings):
    """A metric of a baseline: which way is better, and the margin, absolute or in percent, with its cause."""

    direction: Direction
    unit: str
    margin: float | str
    cause: str

    @field_validator("margin")
    @classmethod
    def _can_be_missed(cls, margin: float | str) -> float | str:
        margin_value(margin, 1.0)  # one that is no number would pass whatever comes
        return margin


def exact_margins(reference: GridRecord, alike: Sequence[GridRecord]) -> dict[str, Margin]:
    """Returns for each metric a multiple of the largest difference between runs that ought to be alike.

    Args:
        reference: the run that becomes the baseline.
        alike: runs of the same cells by the same code under other conditions: instruction sets, threads, machines.
    """
    margins = {}
    for name in measured(reference):
        if not alike:
            margins[name] = _margin(
                name, 0.0, "one machine repeats itself bit for bit; --alike measures what others do"
            )
            continue
        spread = max(_largest(name, reference, other) for other in alike)
        least = LEAST * max(map(abs, reference.values(name).values()))
        cause = (
            f"{ALIKE_FACTOR:g} times the largest difference ({spread:.2g}) to {len(alike)} runs under other conditions"
        )
        if least > ALIKE_FACTOR * spread:
            cause = f"{LEAST:.1%} of the largest value; {len(alike)} runs under other conditions differ by {spread:.2g}"
        margins[name] = _margin(name, _upwards(max(least, ALIKE_FACTOR * spread)), cause)
    return margins


def stat_margins(reference: GridRecord, declared: Mapping[str, float | str], alpha: float) -> dict[str, Margin]:
    """Returns for each metric the margin that the grid declares, else the drop that its seeds can rule out.

    The latter supposes the worst case, a change that redraws every cell: the difference of two independent draws
    has sqrt(2) times the standard deviation of the seeds.
    """
    margins = {}
    for name in measured(reference):
        if name in declared:
            margins[name] = _margin(name, declared[name], "declared by the grid's [compare] margin")
            continue
        spread = _seed_deviation(reference, name)
        if spread is None:
            continue  # one seed says nothing about spread, and few seeds rule nothing out; the caller says so
        deviation, seeds = spread
        if not deviation:
            margins[name] = _margin(name, 0.0, "no seed moves it, so it is compared exactly")
            continue
        margin = excludable(seeds, 2**0.5 * deviation, alpha, POWER)
        if margin is None:
            continue
        margins[name] = _margin(
            name,
            _upwards(margin),
            f"drop that {seeds} seeds rule out at alpha {alpha:g} with {POWER:.0%} power where all cells are redrawn; "
            f"standard deviation over seeds {deviation:.3g}",
        )
    return margins


def measured(reference: GridRecord) -> tuple[str, ...]:
    """Returns the metrics with a better direction that some cell has a value of, in reading order."""
    from ablate.metrics.catalogue import in_reading_order

    there = {name for cell in reference.cells().values() for name in cell.values}
    found = [metric for metric in in_reading_order(there) if metric.direction]
    return tuple(metric.name for metric in found if reference.values(metric.name))


def _margin(name: str, value: float | str, cause: str) -> Margin:
    from ablate.metrics.catalogue import metrics

    metric = metrics[name]
    return Margin(direction=metric.better, unit=metric.unit, margin=value, cause=cause)


def _largest(name: str, reference: GridRecord, other: GridRecord) -> float:
    was, now = reference.values(name), other.values(name)
    return max((abs(now[at] - value) for at, value in was.items() if at in now), default=0.0)


def _seed_deviation(reference: GridRecord, name: str) -> tuple[float, int] | None:
    """Returns the standard deviation over seeds within arms, pooled, and the fewest seeds that an arm has."""
    squares, degrees, fewest = 0.0, 0, None
    found = reference.values(name)
    for arm in reference.arms:
        values = [value for (own, _), value in found.items() if own == arm]
        if len(values) > 1:
            mean = fmean(values)
            squares += sum((value - mean) ** 2 for value in values)
            degrees += len(values) - 1
            fewest = min(fewest or len(values), len(values))
    return ((squares / degrees) ** 0.5, fewest) if fewest else None


def _upwards(value: float) -> float:
    """Rounds up to two significant digits: a margin is a claim that people read."""
    from math import ceil, floor, log10

    if not value:
        return 0.0
    digit = 10.0 ** (floor(log10(value)) - 1)
    return float(f"{ceil(value / digit - 1e-9) * digit:.2g}")
