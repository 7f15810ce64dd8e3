from __future__ import annotations

import numpy as np
import pandas
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from ablate.analysis import Scores, components, noise_floor
from ablate.analysis.variance import _mean_squares
from tests.analysis.studies import cell, study

NOTHING = study([cell({"loss": "a"}, 0, 20.0)], {"loss": ["a"]})


def scores(table: np.ndarray) -> Scores:
    arms = {str(arm): table[arm] for arm in range(len(table))}
    return Scores("psnr", "ema", tuple(range(table.shape[1])), tuple(map(str, range(table.shape[2]))), arms)


def drawn(seed: int, arms: int, seeds: int, images: int) -> np.ndarray:
    """Returns scores (arms, seeds, images); standard deviations: arm 2, seed 1, image 3, arm x seed 0.5, rest 0.2."""
    draw = np.random.default_rng(seed)
    table = 20 + draw.normal(0, 0.2, (arms, seeds, images)) + draw.normal(0, 0.5, (arms, seeds, 1))
    return (
        table + draw.normal(0, 2, (arms, 1, 1)) + draw.normal(0, 1, (1, seeds, 1)) + draw.normal(0, 3, (1, 1, images))
    )


def test_mean_squares_agree_with_statsmodels() -> None:
    table = drawn(0, 3, 4, 5)
    rows = [
        {"arm": str(a), "seed": str(s), "image": str(i), "y": table[a, s, i]} for a, s, i in np.ndindex(table.shape)
    ]
    formula = "y ~ C(arm) + C(seed) + C(image) + C(arm):C(seed) + C(arm):C(image) + C(seed):C(image)"
    theirs = anova_lm(ols(formula, pandas.DataFrame(rows)).fit())["mean_sq"].tolist()
    assert list(_mean_squares(table).values()) == pytest.approx(theirs)


def test_components_are_unbiased() -> None:
    found = [components(scores(drawn(seed, 4, 5, 6)), NOTHING).deviations for seed in range(300)]
    mean = {part: np.mean([each[part] ** 2 for each in found]) for part in found[0]}
    assert mean["arm"] == pytest.approx(4.0, rel=0.2)
    assert mean["seed"] == pytest.approx(1.0, rel=0.2)
    assert mean["image"] == pytest.approx(9.0, rel=0.2)
    assert mean["arm x seed"] == pytest.approx(0.25, rel=0.1)
    assert mean["residual"] == pytest.approx(0.04, rel=0.05)
    assert mean["arm x image"] < 0.01


def test_an_arm_that_lacks_a_seed_and_a_picture_that_lacks_a_value_are_left_out() -> None:
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
    # Half the mean square of the differences, 0.3 and -0.4.
    assert noise_floor(study(cells, {"loss": ["a"]}), "psnr") == (pytest.approx((0.25 / 4) ** 0.5), 2)


def test_without_a_second_run_the_noise_floor_is_unknown() -> None:
    assert noise_floor(NOTHING, "psnr") == (None, 0)
