from __future__ import annotations

import numpy as np
import pandas
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from ablate.analysis import Scores, components, noise_floor
from ablate.analysis.variance import _mean_squares, _variances
from tests.analysis.studies import cell, study

NOTHING = study([cell({"loss": "a"}, 0, 20.0)], {"loss": ["a"]})


def scores(table: np.ndarray) -> Scores:
    arms = {str(arm): table[arm] for arm in range(len(table))}
    return Scores("psnr", "ema", tuple(range(table.shape[1])), tuple(map(str, range(table.shape[2]))), arms)


PARTS = {
    "arm": 0.3,
    "seed": 0.4,
    "image": 0.2,
    "arm x seed": 1.0,
    "arm x image": 2.0,
    "seed x image": 1.5,
    "residual": 0.5,
}
"""Standard deviations; single parts are small beside the pairs, which their estimates must take away."""


def drawn(seed: int, arms: int, seeds: int, images: int) -> np.ndarray:
    """Returns scores (arms, seeds, images) made of `PARTS`."""
    draw, sizes = np.random.default_rng(seed), {"arm": arms, "seed": seeds, "image": images}
    table = np.full((arms, seeds, images), 20.0)
    for part, deviation in PARTS.items():
        shape = [size if part == "residual" or name in part.split(" x ") else 1 for name, size in sizes.items()]
        table = table + draw.normal(0, deviation, shape)
    return table


def test_mean_squares_agree_with_statsmodels() -> None:
    table = drawn(0, 3, 4, 5)
    rows = [
        {"arm": str(a), "seed": str(s), "image": str(i), "y": table[a, s, i]} for a, s, i in np.ndindex(table.shape)
    ]
    formula = "y ~ C(arm) + C(seed) + C(image) + C(arm):C(seed) + C(arm):C(image) + C(seed):C(image)"
    theirs = anova_lm(ols(formula, pandas.DataFrame(rows)).fit())["mean_sq"].tolist()
    assert list(_mean_squares(table).values()) == pytest.approx(theirs)


def test_components_are_unbiased() -> None:
    found = [_variances(drawn(seed, 4, 5, 3)) for seed in range(2000)]
    for part, deviation in PARTS.items():
        values = [each[part] for each in found]
        assert abs(np.mean(values) - deviation**2) < 4 * np.std(values) / len(values) ** 0.5, part


def test_a_negative_estimate_is_told_as_no_spread() -> None:
    table = next(table for seed in range(100) if _variances(table := drawn(seed, 4, 5, 3))["arm"] < 0)
    found = components(scores(table), NOTHING)
    assert found.deviations["arm"] == 0.0
    assert found.deviations["arm x image"] == pytest.approx(_variances(table)["arm x image"] ** 0.5)


def test_an_arm_that_lacks_a_seed_and_an_image_that_lacks_a_value_are_left_out() -> None:
    table = drawn(1, 4, 3, 5)
    table[3, 1] = np.nan
    table[0, 0, 2] = np.nan
    found = components(scores(table), NOTHING)
    assert (found.arms, found.seeds, found.images) == (3, 3, 4)
    kept = np.delete(table[:3], 2, axis=2)
    assert found.deviations == components(scores(kept), NOTHING).deviations


@pytest.mark.parametrize("shape", [(1, 3, 3), (3, 1, 3), (3, 3, 1)])
def test_one_of_anything_has_no_components(shape: tuple[int, int, int]) -> None:
    assert components(scores(drawn(2, *shape)), NOTHING) is None


def test_the_noise_floor_is_the_spread_of_one_run_and_not_of_a_difference() -> None:
    pairs = [(20.0, 20.3), (25.0, 24.6)]
    cells = [cell({"loss": "a"}, seed, first) for seed, (first, _) in enumerate(pairs)]
    cells += [cell({"loss": "a"}, seed, again, replicate=1) for seed, (_, again) in enumerate(pairs)]
    # A run that diverged, or whose first one did, says nothing.
    cells += [cell({"loss": "a"}, 2, 20.0), cell({"loss": "a"}, 2, None, replicate=1)]
    cells += [cell({"loss": "a"}, 3, None), cell({"loss": "a"}, 3, 20.0, replicate=1)]
    # Half the mean square of the differences, 0.3 and -0.4.
    assert noise_floor(study(cells, {"loss": ["a"]}), "psnr") == (pytest.approx((0.25 / 4) ** 0.5), 2)


def test_without_a_second_run_the_noise_floor_is_unknown() -> None:
    assert noise_floor(NOTHING, "psnr") == (None, 0)
