"""The hypervolume that each level of an axis covers: its whole trade-off as one number, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ablate.analysis import Axis, Interval, Point, hypervolume, t_interval
from ablate.records import CellRecord
from ablate.report.document import Table, Value
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, interval, spread
from ablate.report.scatter import Scatter
from ablate.report.styles import Encoding
from ablate.report.tables import number, numbers, table, words

ENDED = ("done", "diverged")

Row = Mapping[str, Any]
"""An axis and a level with the share of each seed."""


def coverage(evidence: Evidence, scatter: Scatter, encoding: Encoding) -> list[dict[str, Any]]:
    """Returns for each level of each axis but the one that traces the trade-off the share of the plane it dominates.

    The plane reaches from the worst to the best value of each metric over all cells; a seed counts where the level
    and the baseline level have the same settings, and a diverged cell among them adds nothing.
    """
    box = _box(scatter)
    if box is None:
        return []
    found = []
    for axis in evidence.study.axes:
        if axis is encoding.path:
            continue
        levels = {level: _by_seed(evidence, scatter, axis, level, box) for level in axis.levels}
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


def _box(scatter: Scatter) -> tuple[Point, Point] | None:
    """Returns the worst and the best gains over all cells; None where a metric does not vary."""
    pairs = [pair for seeds in scatter.gains.values() for pair in seeds.values()]
    worst = (min(x for x, _ in pairs), min(y for _, y in pairs))
    best = (max(x for x, _ in pairs), max(y for _, y in pairs))
    return (worst, best) if best[0] > worst[0] and best[1] > worst[1] else None


def _by_seed(
    evidence: Evidence, scatter: Scatter, axis: Axis, level: str, box: tuple[Point, Point]
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
            points = [pair for cell in cells if (pair := scatter.gains.get(cell.arm, {}).get(seed))]
            shares[seed] = hypervolume(points, worst) / area
    return shares


def coverage_table(found: Sequence[Row], scatter: Scatter) -> Table:
    """Returns the rows of `coverage` as a table."""

    def own(row: Row) -> Value:
        limits = spread(list(row["by_seed"].values()), 3)
        return number(row["interval"]["mean"], 3, limits)

    def gap(row: Row) -> Value:
        if not row["difference"]:
            return Value(NONE)
        found = Interval(**row["difference"])
        certain = f"{fixed(found.mean, 3, signed=True)} {interval(found, 3)}"
        return Value(certain, "", found.mean, "best" if found.excludes_zero else "plain")

    return table(
        "coverage", "Hypervolume", found,
        words("axis", lambda row: str(row["axis"])),
        words("level", lambda row: Value(row["level"], "baseline" if row["level"] == row["baseline"] else "")),
        numbers("seeds", lambda row: int(row["interval"]["n"])),
        numbers("hypervolume", own, "share of the plane"),
        numbers("against the baseline level", gap, "paired by seed"),
        caption=f"Share of the {scatter.quality.label}–{scatter.other.label} plane, from the worst to the best value "
        "of any cell, that the arms of a level dominate together: 1 would be the best of both at once, and a diverged "
        "cell adds nothing. Below the mean, the range over seeds; differences with 95% t-intervals over seeds, "
        "uncorrected for the number of levels. Bold: the interval of the difference excludes zero.",
    )  # fmt: skip
