from __future__ import annotations

import itertools
from typing import Any

import pytest

from ablate.analysis import Sensitivity, contrasts, leaning, sensitivity, t_interval
from ablate.records import CellRecord
from tests.analysis.studies import cell, study

DIRECTIONS = {"psnr": "higher", "ms_ssim": "higher", "fd_lite0_112": "lower"}


def shaken(gains: list[float], diverged: int | None = None, distance: float = 0.0, **raw: float) -> Sensitivity:
    """Returns what shakes the verdict on loss b, which gains so much PSNR in each seed and as much distance."""
    cells = []
    for seed, gain in enumerate(gains):
        others: dict[str, Any] = {"ms_ssim": 0.9 + seed / 1000, "bpp_actual": 0.5}
        cells.append(cell({"loss": "a"}, seed, 20.0 + seed, fd_lite0_112=100.0 + seed, **others))
        score = None if seed == diverged else 20.0 + seed + gain
        cells.append(cell({"loss": "b"}, seed, score, fd_lite0_112=100.0 + seed + distance, **others))
        if raw and score is not None:
            cells[-1].result.metrics["raw"]["psnr"] = 19.0 + seed + raw["raw_gain"]
    margins = {"psnr": 0.1, "ms_ssim": 0.01, "fd_lite0_112": 1.0}
    subject = study(cells, {"loss": ["a", "b"]}, margin=margins, rate_match="off")
    (found,) = sensitivity(subject, contrasts(subject, DIRECTIONS, primary=["psnr"]), DIRECTIONS)
    return found


def test_a_verdict_that_nothing_moves_does_not_flip() -> None:
    found = shaken([0.5] * 7)
    assert (found.contrast.verdict, found.leaning, found.flips) == ("better", "better", False)
    assert (found.other_weights, found.failures_as_worst) == ("better", None)
    assert dict(found.other_metrics) == {"ms_ssim": "equivalent", "fd_lite0_112": "equivalent"}


def test_a_lead_that_hangs_on_one_seed_says_on_which() -> None:
    # All seven lie within the margin but the third, which keeps the interval across it.
    found = shaken([0.02, 0.03, 0.4, 0.01, 0.02, 0.03, 0.02])
    assert found.leaning == "inconclusive"
    assert found.turning_seeds == (2,)
    assert found.without_seed[2] == "equivalent"
    assert found.flips


def test_raw_weights_that_say_otherwise_flip_it() -> None:
    found = shaken([0.5] * 7, raw_gain=0.0)
    assert (found.contrast.verdict, found.other_weights, found.flips) == ("better", "equivalent", True)


def test_failures_that_count_as_worst_flip_it() -> None:
    found = shaken([0.5] * 8, diverged=7)
    assert found.contrast.verdict == "better"
    assert found.failures_as_worst == "inconclusive"
    assert found.flips


def test_a_verdict_on_curves_that_lost_a_cell_does_not_count_the_failure_as_worst() -> None:
    def cells(diverged: int | None) -> list[CellRecord]:
        found = []
        for seed, point, loss in itertools.product(range(6), range(5), "ab"):
            gain = 0.5 + 0.01 * seed if loss == "b" else 0.0
            score = None if (loss, seed, point) == ("b", diverged, 2) else 30.0 + 3 * point + gain
            found.append(cell({"loss": loss, "lambda_x": 2.0**point}, seed, score, bpp_actual=0.1 * 2**point))
        return found

    axes = {"loss": ["a", "b"], "lambda_x": [2.0**point for point in range(5)]}
    compare: dict[str, Any] = {"margin": {"psnr": 0.1}, "rate_match": "bd", "axes": ["loss"]}
    outcomes = []
    for diverged in (None, 3):
        subject = study(cells(diverged), axes, **compare)
        found = sensitivity(subject, contrasts(subject, {"psnr": "higher"}), DIRECTIONS)[0]
        outcomes.append((found.contrast.verdict, found.failures_as_worst, found.flips))
    assert outcomes == [("better", None, False), ("better", "inconclusive", True)]


def test_failures_that_count_as_worst_can_leave_a_verdict_as_it_is() -> None:
    # The worst value of the grid is what the baseline has in the seed that diverged.
    found = shaken([-0.5] * 8, diverged=0)
    assert (found.contrast.verdict, found.failures_as_worst, found.flips) == ("worse", "worse", False)


def test_another_metric_with_the_opposite_verdict_contradicts() -> None:
    found = shaken([0.5] * 7, distance=5.0)
    assert found.contradicted == ("fd_lite0_112",)
    assert found.flips


@pytest.mark.parametrize(
    ("values", "higher", "lower"),
    [
        ([0.3, 0.31, 0.32], "better", "worse"), ([-0.3, -0.31, -0.32], "worse", "better"),
        ([0.01, 0.0, -0.01], "equivalent", "equivalent"), ([0.3, -0.3, 0.1], "inconclusive", "inconclusive"),
        ([0.09, 0.1, 0.11], "inconclusive", "inconclusive"), ([-0.09, -0.1, -0.11], "inconclusive", "inconclusive"),
        ([0.3], "inconclusive", "inconclusive"),
    ],
)  # fmt: skip
def test_an_interval_leans_to_where_it_lies(values: list[float], higher: str, lower: str) -> None:
    own = t_interval(values)
    assert (leaning(own, 0.1, "higher"), leaning(own, 0.1, "lower")) == (higher, lower)


def test_without_declared_comparisons_there_is_nothing_to_shake() -> None:
    subject = study([cell({"loss": "a"}, 0, 20.0)], {"loss": ["a"]})
    assert sensitivity(subject, contrasts(subject, {"psnr": "higher"}), DIRECTIONS) == ()
