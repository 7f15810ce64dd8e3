"""How levels rank over blocks: Friedman's test and Nemenyi's critical difference, as description only.

A block is a data set with one level of every other axis; seeds are averaged within a block and are no blocks.
Blocks of one grid share data and seeds, so neither number is a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from ablate.analysis.axes import Axis
from ablate.analysis.effects import score_of, scores_at
from ablate.analysis.frontier import Direction, sign_of
from ablate.analysis.study import Block, Study

ALPHA = 0.05


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of an axis' levels over blocks where all of them have a value; rank 1 is best.

    `critical_difference` is how far mean ranks must lie apart for Nemenyi's test at 0.05, `largest_gap` how far they
    can.
    """

    axis: str
    metric: str
    levels: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    blocks: int
    statistic: float | None
    p: float | None
    critical_difference: float | None

    @property
    def largest_gap(self) -> float:
        """The largest difference that two mean ranks can have."""
        return len(self.levels) - 1.0


def ranks(study: Study, axis: Axis, metric: str, direction: Direction) -> Ranks | None:
    """Returns how the levels of an axis rank; None where fewer than three levels or two blocks can be ranked."""
    import numpy as np
    from scipy import special, stats

    blocks = _block_means(study, axis, metric)
    complete = [row for row in blocks.values() if len(row) == len(axis.levels)]
    if len(axis.levels) < 3 or len(complete) < 2:
        return None
    values = -sign_of(direction) * np.array([[row[level] for level in axis.levels] for row in complete])
    ranked = stats.rankdata(values, axis=1)
    n, k = ranked.shape
    # Tied throughout: there is nothing to test.
    ties = bool((ranked == ranked[:, :1]).all())
    statistic = None if ties else float(stats.friedmanchisquare(*values.T).statistic)
    p = None if statistic is None else float(special.chdtrc(k - 1, statistic))
    studentized = float(stats.studentized_range.ppf(1 - ALPHA, k, np.inf)) / 2**0.5
    return Ranks(
        axis.name, metric, axis.levels, tuple(ranked.mean(0).tolist()), n, statistic, p,
        studentized * (k * (k + 1) / (6 * n)) ** 0.5,
    )  # fmt: skip


def _block_means(study: Study, axis: Axis, metric: str) -> dict[Block, dict[str, float]]:
    """Returns the mean over seeds of each level in each block, over seeds that all levels of the block have."""
    scores = scores_at(study.slots[axis.name], score_of(metric))
    rows: dict[tuple[Block, int], dict[str, float]] = {}
    for (level, seed, block), value in scores.items():
        rows.setdefault((block, seed), {})[level] = value
    groups: dict[Block, list[dict[str, float]]] = {}
    for (block, _), row in rows.items():
        if len(row) == len(axis.levels):
            groups.setdefault(block, []).append(row)
    return {
        block: {level: sum(row[level] for row in group) / len(group) for level in axis.levels}
        for block, group in groups.items()
    }
