from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ablate.analysis import Ranks, ranks
from tests.analysis.studies import cell, study

LOSSES = ["a", "b", "c", "d"]
BLOCKS = [float(number) for number in range(14)]


def ranked(scores: np.ndarray, seeds: int = 1, direction: str = "higher") -> Ranks | None:
    """Returns the ranks of losses over blocks from scores (blocks, losses); seeds are around them, with mean zero."""
    cells = [
        cell({"loss": loss, "lambda_x": BLOCKS[block]}, seed, float(scores[block, index]) + seed - (seeds - 1) / 2)
        for block, index in np.ndindex(scores.shape)
        for loss in [LOSSES[index]]
        for seed in range(seeds)
    ]
    subject = study(cells, {"loss": LOSSES[: scores.shape[1]], "lambda_x": BLOCKS[: scores.shape[0]]})
    return ranks(subject, subject.axes[0], "psnr", direction)


def test_friedmans_test_agrees_with_scipy() -> None:
    scores = np.random.default_rng(0).normal(20, 1, (9, 4))
    theirs = stats.friedmanchisquare(*scores.T)
    own = ranked(scores)
    assert (own.statistic, own.p) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_the_critical_difference_is_that_of_demsars_example() -> None:
    # Demsar 2006, section 3.2.2: four classifiers on 14 data sets, CD = 2.569 sqrt(4 5 / (6 14)) = 1.25.
    assert ranked(np.random.default_rng(1).normal(20, 1, (14, 4))).critical_difference == pytest.approx(1.25, abs=5e-3)


def test_rank_one_is_best_in_either_direction() -> None:
    scores = np.tile([1.0, 3.0, 2.0], (5, 1)) + np.arange(5)[:, None]
    assert ranked(scores).mean_ranks == (3.0, 1.0, 2.0)
    assert ranked(scores, direction="lower").mean_ranks == (1.0, 3.0, 2.0)


def test_seeds_are_averaged_within_a_block_and_are_no_blocks() -> None:
    scores = np.random.default_rng(2).normal(20, 1, (6, 3))
    assert ranked(scores, seeds=5) == ranked(scores)
    assert ranked(scores, seeds=5).blocks == 6


@pytest.mark.parametrize("shape", [(6, 2), (1, 4)])
def test_two_levels_or_one_block_are_not_ranked(shape: tuple[int, int]) -> None:
    assert ranked(np.random.default_rng(3).normal(20, 1, shape)) is None


def test_ties_everywhere_have_no_test() -> None:
    own = ranked(np.full((4, 3), 20.0))
    assert (own.mean_ranks, own.statistic, own.p) == ((2.0, 2.0, 2.0), None, None)
