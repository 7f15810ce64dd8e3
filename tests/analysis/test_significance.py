from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.analysis.significance import benjamini_hochberg, holm, seeds_for, sign_flip_p, skewed_p, smallest_p


def test_few_seeds_cannot_reach_significance() -> None:
    assert [smallest_p(n) for n in (1, 2, 3, 5, 6, 10)] == [1.0, 0.5, 0.25, 0.0625, 0.03125, 2**-9]


def test_smallest_p_is_what_the_test_gives_when_every_difference_has_one_sign() -> None:
    for n in (1, 2, 5, 6):
        assert sign_flip_p([1.0] * n) == pytest.approx(smallest_p(n))


@pytest.mark.parametrize(("comparisons", "seeds"), [(1, 6), (5, 8), (10, 9), (20, 10), (45, 11)])
def test_seeds_needed_grow_with_the_number_of_comparisons(comparisons: int, seeds: int) -> None:
    assert seeds_for(0.05, comparisons) == seeds


@pytest.mark.parametrize("n", [3, 6, 9])
def test_sign_flip_test_agrees_with_scipy(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.4, 1, n)
    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flip_p(differences.tolist()) == pytest.approx(theirs.pvalue)


def test_sign_flip_test_of_many_seeds_is_drawn_and_never_zero() -> None:
    assert sign_flip_p([1.0] * 40) == pytest.approx(1e-5, rel=0.01)
    assert sign_flip_p([1.0, -1.0] * 20) == 1.0


def test_differences_that_cancel_are_no_evidence() -> None:
    assert sign_flip_p([0.1, -0.1]) == 1.0


def test_holm_multiplies_the_smallest_most_and_never_reorders() -> None:
    # Worked by hand: 0.01 * 4, then max(0.04, 0.02 * 3), max(0.06, 0.03 * 2), max(0.06, 0.5).
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])


def test_holm_stops_at_one() -> None:
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_corrections_agree_with_statsmodels(ours: Callable[[list[float]], list[float]], theirs: str) -> None:
    for count in (1, 2, 5, 30):
        p_values = np.random.default_rng(count).uniform(0, 0.2, count).tolist()
        assert ours(p_values) == pytest.approx(multipletests(p_values, method=theirs)[1])


@pytest.mark.parametrize("n", [2, 6, 9])
def test_one_sided_sign_flip_test_agrees_with_scipy(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.4, 1, n)
    theirs = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    )
    assert sign_flip_p(differences.tolist(), sided=1) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize(("alpha", "comparisons"), [(0.0, 1), (1.0, 1), (0.05, 0)])
def test_a_level_that_no_number_of_seeds_reaches_is_refused(alpha: float, comparisons: int) -> None:
    with pytest.raises(ValueError, match="expected 0 < alpha < 1 and comparisons >= 1"):
        seeds_for(alpha, comparisons)


def test_a_test_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sign_flip_p([])


@pytest.mark.parametrize("seeds", [3, 6, 12])
@pytest.mark.parametrize("statistic", [1.0, 3.0, 6.0])
def test_the_p_value_for_skewed_differences_is_that_of_one_minus_exponential_ones(seeds: int, statistic: float) -> None:
    values = 1 - np.random.default_rng(9).exponential(size=(200_000, seeds))
    drawn = np.mean(values.mean(1) / (values.std(1, ddof=1) / np.sqrt(seeds)) >= statistic)
    assert skewed_p(statistic, seeds) == pytest.approx(drawn, rel=0.05)


def test_the_p_value_for_skewed_differences_has_an_end_on_both_sides() -> None:
    assert skewed_p(float("inf"), 8) == 0
    assert skewed_p(-1.0, 8) == skewed_p(float("-inf"), 8) == skewed_p(9.0, 1) == 1
