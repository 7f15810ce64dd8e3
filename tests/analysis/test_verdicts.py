from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ablate.analysis import judge, non_inferior_p, t_interval
from ablate.analysis.verdicts import beyond_zero_p

CLEAR = [0.30, 0.32, 0.28, 0.35, 0.31, 0.29]
SMALL = [0.01, 0.02, -0.01, 0.0, 0.01, -0.02]
WILD = [0.6, -0.3, 0.2, 0.5, -0.4, 0.1]


@pytest.mark.parametrize(
    ("differences", "direction", "outcome"),
    [
        (CLEAR, "higher", "better"), (CLEAR, "lower", "worse"), ([-v for v in CLEAR], "lower", "better"),
        (SMALL, "higher", "equivalent"), (SMALL, "lower", "equivalent"), (WILD, "higher", "inconclusive"),
    ],
)  # fmt: skip
def test_a_verdict_says_on_which_side_of_the_margin_the_difference_lies(
    differences: list[float], direction: str, outcome: str
) -> None:
    assert judge(differences, 0.1, direction).outcome == outcome


def test_a_difference_that_is_sure_but_too_small_to_matter_is_equivalent_and_not_better() -> None:
    sure = [0.05, 0.051, 0.049, 0.052, 0.048, 0.05]
    own = judge(sure, 0.1, "higher")
    assert (own.p, own.outcome) == (2**-5, "equivalent")


def test_across_the_margin_nothing_is_said_even_when_zero_is_excluded() -> None:
    own = judge([0.08, 0.12, 0.09, 0.11, 0.1, 0.13], 0.1, "higher")
    assert own.interval.excludes_zero
    assert own.outcome == "inconclusive"


def test_without_a_margin_nothing_is_equivalent() -> None:
    assert judge(SMALL, 0.0, "higher").outcome == "inconclusive"
    assert judge([0.0] * 8, 0.0, "higher").outcome == "inconclusive"
    assert judge([0.0] * 8, 0.1, "higher").outcome == "equivalent"


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_no_verdict_is_reached_by_five_seeds_however_clear(seeds: int) -> None:
    own = judge((CLEAR * 2)[:seeds], 0.1, "higher")
    assert own.outcome == "inconclusive"
    assert own.claim_p >= own.smallest_p == 2.0 ** (1 - seeds)


@pytest.mark.parametrize("margin", [0.05, 0.15, 0.29, 0.31, 0.5])
def test_a_verdict_agrees_with_the_interval_of_the_same_level(margin: float) -> None:
    own = judge(CLEAR, margin, "higher")
    if own.outcome == "better":
        assert own.interval.low > margin
    elif own.outcome == "equivalent":
        assert -margin < own.interval.low <= own.interval.high < margin
    else:
        assert own.interval.low <= margin <= own.interval.high


def test_the_smallest_alpha_of_a_claim_is_where_the_interval_touches_the_margin() -> None:
    # Twelve seeds, so that the exact test is not the coarser one.
    values = np.random.default_rng(3).normal(0.4, 0.3, 12).tolist()
    own = judge(values, 0.1, "higher")
    student = stats.ttest_1samp(values, 0.1, alternative="greater").pvalue
    exact = stats.permutation_test(
        (np.array(values) - 0.1,), np.sum, permutation_type="samples", alternative="greater", n_resamples=np.inf
    ).pvalue
    assert own.claim_p == pytest.approx(2 * max(student, exact))
    assert t_interval(values, 1 - 2 * student).low == pytest.approx(0.1)


def test_one_outlier_does_not_pass_the_exact_test_on_its_own() -> None:
    # Student alone is misled by a lopsided spread as well; whichever is larger counts.
    values = [0.11, 0.12, 0.11, 0.12, 0.11, 9.0]
    assert judge(values, 0.1, "higher").outcome == "inconclusive"


def test_non_inferiority_is_one_sided_at_the_margin() -> None:
    values = np.random.default_rng(4).normal(0.0, 0.05, 12).tolist()
    student = stats.ttest_1samp(values, -0.1, alternative="greater").pvalue
    assert non_inferior_p(values, 0.1, "higher") >= student
    assert non_inferior_p(values, 0.1, "higher") >= beyond_zero_p([value + 0.1 for value in values])
    assert non_inferior_p([-value for value in values], 0.1, "lower") == non_inferior_p(values, 0.1, "higher")
    assert non_inferior_p([value - 0.3 for value in values], 0.1, "higher") > 0.99


@pytest.mark.parametrize("seeds", [6, 8, 12])
def test_non_inferiority_holds_its_level_where_few_seeds_fall_far_behind(seeds: int) -> None:
    draws = np.random.default_rng(seeds).exponential(1, (4000, seeds))
    gains = 1 - 10 - draws + 0.0  # a mean exactly at the margin of 10 on the bad side, the long side downwards
    wrong = np.mean([non_inferior_p(row, 10.0, "higher") <= 0.05 for row in gains.tolist()])
    by_two = np.mean([beyond_zero_p([value + 10 for value in row]) <= 0.05 for row in gains.tolist()])
    assert by_two > 0.08
    assert wrong < 0.06


def test_a_negative_margin_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 0, found -0\.1"):
        judge(CLEAR, -0.1, "higher")
