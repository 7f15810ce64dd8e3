"""The hypervolume that each level of an axis covers: its whole trade-off as one number, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ablate.analysis import Axis, Interval, Point, hypervolume, t_interval
from ablate.records import CellRecord
from ablate.report.document import Column, Table, Value
from ablate.report.evidence import Encoding, Evidence
from ablate.report.numbers import NONE, fixed, interval, spread
from ablate.report.planes import Plane

ENDED = ("done", "diverged")


def coverage(evidence: Evidence, plane: Plane, encoding: Encoding) -> list[dict[str, Any]]:
    """Returns for each level of each axis but the one that traces the trade-off the share of the plane it dominates.

    The plane reaches from the worst to the best value of each metric over all cells; a seed counts where the level
    and the baseline level have the same settings, and a diverged cell among them adds nothing.
    """
    box = _box(plane)
    if box is None:
        return []
    found = []
    for axis in evidence.study.axes:
        if axis is encoding.path:
            continue
        levels = {level: _by_seed(evidence, plane, axis, level, box) for level in axis.levels}
        for level, by_seed in levels.items():
            if not by_seed:
                continue
            base = levels[axis.baseline]
            shared = [by_seed[seed] - base[seed] for seed in by_seed if seed in base and level != axis.baseline]
            found.append(
                {
                    "axis": axis.name, "level": level, "baseline": axis.baseline, "by_seed": by_seed,
                    "interval": asdict(t_interval(list(by_seed.values()))),
                    "difference": asdict(t_interval(shared)) if shared else None,
                }
            )  # fmt: skip
    return found


def _box(plane: Plane) -> tuple[Point, Point] | None:
    """Returns the worst and the best gains over all cells; None where a metric does not vary."""
    pairs = [pair for seeds in plane.gains.values() for pair in seeds.values()]
    worst = (min(x for x, _ in pairs), min(y for _, y in pairs))
    best = (max(x for x, _ in pairs), max(y for _, y in pairs))
    return (worst, best) if best[0] > worst[0] and best[1] > worst[1] else None


def _by_seed(
    evidence: Evidence, plane: Plane, axis: Axis, level: str, box: tuple[Point, Point]
) -> dict[int, float]:  # fmt: skip
    """Returns the covered share for each seed in which the level has ended in every setting that it shares."""
    (worst, best), slots = box, evidence.study.slots[axis.name]
    area = (best[0] - worst[0]) * (best[1] - worst[1])
    seeds: dict[int, list[CellRecord]] = {}
    for (at, seed, block), cell in slots.items():
        if at == level and all((other, seed, block) in slots for other in axis.levels):
            seeds.setdefault(seed, []).append(cell)
    shares = {}
    for seed, cells in sorted(seeds.items()):
        if all(cell.status in ENDED for cell in cells):
            points = [pair for cell in cells if (pair := plane.gains.get(cell.arm, {}).get(seed))]
            shares[seed] = hypervolume(points, worst) / area
    return shares


def coverage_table(found: Sequence[Mapping[str, Any]], plane: Plane) -> Table:
    """Returns the rows of `coverage` as a table."""
    rows = []
    for row in found:
        own = Interval(**row["interval"])
        gap = Interval(**row["difference"]) if row["difference"] else None
        baseline = row["level"] == row["baseline"]
        certain = NONE if gap is None else f"{fixed(gap.mean, 3, signed=True)} {interval(gap, 3)}"
        limits = spread(list(row["by_seed"].values()), 3)
        rows.append(
            (
                Value(row["axis"]), Value(row["level"], "baseline" if baseline else ""), Value(str(own.n), sort=own.n),
                Value(fixed(own.mean, 3), limits, own.mean),
                Value(certain, "", gap.mean if gap else None, "best" if gap and gap.excludes_zero else "plain"),
            )
        )  # fmt: skip
    columns = (
        Column("axis", numeric=False), Column("level", numeric=False), Column("seeds"),
        Column("hypervolume", "share of the plane"), Column("against the baseline level", "paired by seed"),
    )  # fmt: skip
    caption = (
        f"Share of the {plane.quality.label}–{plane.other.label} plane, from the worst to the best value of any cell, "
        "that the arms of a level dominate together: 1 would be the best of both at once, and a diverged cell adds "
        "nothing. Below the mean, the range "
        "over seeds; differences with 95% t-intervals over seeds, uncorrected for the number of levels. Bold: the "
        "interval of the difference excludes zero."
    )
    return Table("coverage", "Hypervolume", columns, tuple(rows), caption)
