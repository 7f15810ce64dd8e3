from __future__ import annotations

import pytest

from ablate.analysis import interactions
from tests.analysis.studies import cell, study

AXES = {"loss": ["a", "b"], "scales": [1, 3], "lambda_x": [6.0, 12.0]}


def crossed(seeds: int, extra: float, missing: tuple[str, int, float, int] | None = None) -> list:
    """Returns cells where b gains 1 dB, three scales 2 dB, and both together `extra` dB and 0.1 dB a seed more."""
    cells = []
    for loss in "ab":
        for scales in (1, 3):
            for lambda_x in (6.0, 12.0):
                for seed in range(seeds):
                    both = (extra + 0.1 * seed) if (loss, scales) == ("b", 3) else 0.0
                    score = 20 + seed + lambda_x / 10 + (loss == "b") + 2 * (scales == 3) + both
                    here = (loss, scales, lambda_x, seed) == missing
                    axes = {"loss": loss, "scales": scales, "lambda_x": lambda_x}
                    cells.append(cell(axes, seed, None if here else score))
    return cells


def test_an_interaction_is_the_difference_of_differences_seed_by_seed() -> None:
    found = interactions(study(crossed(3, 0.5), AXES), "psnr")
    assert [(each.axis, each.level, each.other, each.other_level) for each in found] == [
        ("loss", "b", "scales", "3"), ("loss", "b", "lambda_x", "12"), ("scales", "3", "lambda_x", "12"),
    ]  # fmt: skip
    assert dict(found[0].by_seed) == pytest.approx({0: 0.5, 1: 0.6, 2: 0.7})
    assert found[1].interval.mean == pytest.approx(0.0)
    assert (found[0].squares, found[0].planned_squares) == (6, 6)


def test_effects_that_add_up_do_not_interact() -> None:
    found = interactions(study(crossed(1, 0.0), AXES), "psnr")
    assert [each.interval.mean for each in found] == pytest.approx([0.0, 0.0, 0.0])


def test_a_missing_corner_drops_its_square() -> None:
    found = interactions(study(crossed(3, 0.5, missing=("b", 3, 6.0, 0)), AXES), "psnr")
    assert (found[0].squares, found[0].planned_squares) == (5, 6)
    assert dict(found[0].by_seed) == pytest.approx({0: 0.5, 1: 0.6, 2: 0.7})


def test_the_baseline_decides_which_corner_is_first() -> None:
    found = interactions(study(crossed(3, 0.5), AXES, {"loss": "b"}), "psnr")
    assert found[0].level == "a"
    assert found[0].interval.mean == pytest.approx(-0.6)


@pytest.mark.parametrize(("seeds", "tested"), [(5, False), (6, True)])
def test_p_is_exploratory_and_given_only_where_seeds_can_reach_it(seeds: int, tested: bool) -> None:
    first, *rest = interactions(study(crossed(seeds, 0.5), AXES), "psnr")
    assert (first.p is not None) == tested
    if tested:
        # Benjamini and Hochberg: the smallest of three.
        assert (first.p, first.adjusted_p) == (2**-5, 3 * 2**-5)
        assert all(each.adjusted_p == 1.0 for each in rest)


def test_the_means_agree_with_a_linear_model() -> None:
    import numpy as np
    import pandas
    from statsmodels.formula.api import ols

    draw = np.random.default_rng(0)
    cells, rows = [], []
    for loss in "ab":
        for scales in (1, 3):
            for seed in range(6):
                score = float(draw.normal(20, 1))
                cells.append(cell({"loss": loss, "scales": scales}, seed, score))
                rows.append({"loss": loss, "scales": str(scales), "seed": str(seed), "score": score})
    fitted = ols("score ~ C(loss) * C(scales) + C(seed)", pandas.DataFrame(rows)).fit()
    (found,) = interactions(study(cells, {"loss": ["a", "b"], "scales": [1, 3]}), "psnr")
    assert found.interval.mean == pytest.approx(fitted.params["C(loss)[T.b]:C(scales)[T.3]"])
