from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from ablate.analysis import detectable, excludable, judge, non_inferior_p
from ablate.analysis.effect_size import hedges_g, seeds_to_resolve
from ablate.analysis.intervals import t_interval


@pytest.mark.parametrize(
    ("seeds", "alpha", "power"),
    [*((seeds, 0.05, 0.8) for seeds in (2, 3, 5, 6, 10, 60)), *((seeds, 0.01, 0.9) for seeds in (2, 5, 20))],
)
def test_the_detectable_difference_has_the_power_that_statsmodels_computes(
    seeds: int, alpha: float, power: float
) -> None:
    own = detectable(seeds, 0.3, alpha, power)
    assert own is not None
    # Its solver gives up on a few of these, its power function does not.
    assert float(TTestPower().power(own / 0.3, seeds, alpha)) == pytest.approx(power, abs=1e-6)


def test_a_difference_of_that_size_is_found_as_often_as_promised() -> None:
    # Independent of any noncentral distribution: draws of six seeds, spread 1.
    draws = np.random.default_rng(0).normal(detectable(6, 1.0), 1.0, (4000, 6))
    found = np.mean([t_interval(row).excludes_zero for row in draws.tolist()])
    assert found == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("seeds", [6, 10])
def test_a_margin_that_can_be_excluded_is_as_often_as_promised(seeds: int) -> None:
    draws = np.random.default_rng(seeds).normal(0, 0.3, (4000, seeds))
    margin = excludable(seeds, 0.3)
    passed = np.mean([non_inferior_p(row, margin, "higher") <= 0.05 for row in draws.tolist()])
    assert passed == pytest.approx(0.8, abs=0.025)


def test_one_seed_detects_and_excludes_nothing() -> None:
    assert detectable(1, 0.3) is None
    assert excludable(1, 0.3) is None


def test_hedges_g_is_the_standardized_mean_with_the_exact_correction() -> None:
    # d = 2 / 1 = 2. J(2) = gamma(1) / (sqrt(1) gamma(1/2)) = 1 / sqrt(pi).
    assert hedges_g([1.0, 2.0, 3.0]) == pytest.approx(2 / np.sqrt(np.pi))
    values = np.random.default_rng(1).normal(1, 2, 40)
    # The well-known approximation of the correction, 1 - 3 / (4 m - 1), is good at 39 degrees.
    assert hedges_g(values.tolist()) == pytest.approx(values.mean() / values.std(ddof=1) * (1 - 3 / 155), rel=1e-4)


def test_hedges_g_is_unbiased_over_many_draws() -> None:
    draws = np.random.default_rng(2).normal(0.8, 1.0, (20_000, 5))
    assert np.mean([hedges_g(row) for row in draws.tolist()]) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.1 + 0.2, 0.3, 0.3], [0.0, 0.0, 0.0]])
def test_without_a_spread_there_is_no_effect_size(values: list[float]) -> None:
    assert hedges_g(values) is None


def test_seeds_to_resolve_make_the_interval_as_narrow_as_the_margin() -> None:
    seeds = seeds_to_resolve(0.3, 0.2)
    assert seeds == 12
    for count, enough in ((11, False), (12, True)):
        spread = np.linspace(-1, 1, count)
        own = t_interval((spread * 0.3 / spread.std(ddof=1)).tolist())
        assert (own.high <= 0.2) == enough


def test_to_show_that_a_difference_is_small_takes_more_seeds() -> None:
    seeds = seeds_to_resolve(1.0, 1.0, inside=True)
    assert seeds > 1.5 * seeds_to_resolve(1.0, 1.0)
    for count, enough in ((seeds - 2, False), (seeds, True)):
        spread = np.linspace(-1, 1, count)
        seen = judge((spread / spread.std(ddof=1)).tolist(), 1.0, "higher").outcome
        assert (seen == "equivalent") == enough


def test_a_margin_that_thousands_of_seeds_do_not_resolve_has_no_answer() -> None:
    assert seeds_to_resolve(1.0, 1e-4) is None
