"""The expected best of k trials."""

from __future__ import annotations

import itertools

import pytest

from ablate.analysis.best_of import best_of

VALUES = (3.0, 1.0, 4.0, 1.5, 5.0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_it_is_the_mean_maximum_of_all_draws_of_so_many_trials(count: int):
    draws = [max(draw) for draw in itertools.product(VALUES, repeat=count)]
    assert best_of(VALUES, "higher")[count - 1].mean == pytest.approx(sum(draws) / len(draws))


def test_where_lower_is_better_it_is_the_mean_minimum():
    draws = [min(draw) for draw in itertools.product(VALUES, repeat=2)]
    assert best_of(VALUES, "lower")[1].mean == pytest.approx(sum(draws) / len(draws))
    mirrored = best_of([-value for value in VALUES], "higher")
    assert [each.mean for each in best_of(VALUES, "lower")] == pytest.approx([-each.mean for each in mirrored])


def test_it_grows_with_the_budget_and_stays_below_the_lucky_one():
    means = [each.mean for each in best_of(VALUES, "higher")]
    assert means == sorted(means)
    assert means[0] == pytest.approx(3 - 0.1)
    assert means[-1] < 5


def test_its_interval_holds_it_and_comes_again():
    found = best_of(VALUES, "lower")
    assert all(each.low < each.mean < each.high for each in found[:3])
    assert all(each.low >= 1 and each.high <= 5 for each in found)
    assert found == best_of(VALUES, "lower")


def test_the_interval_of_one_trial_is_that_of_a_mean():
    """At k = 1 it is the bootstrap of the mean: about 1.96 standard errors each way."""
    import numpy as np

    values = np.random.default_rng(0).normal(0, 1, 100)
    one = best_of(values.tolist(), "higher")[0]
    half = 1.96 * values.std() / 10
    assert (one.low, one.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_of_no_trials_nothing_is_best():
    with pytest.raises(ValueError, match="no trials"):
        best_of([], "higher")
