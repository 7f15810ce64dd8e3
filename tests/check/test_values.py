from typing import Literal

import pytest

from ablate.analysis import t_interval
from ablate.check.margins import Margin, _upwards
from ablate.check.values import judge_exactly, judge_seeds


def margin(value: float | str, direction: Literal["higher", "lower"] = "higher") -> Margin:
    return Margin(direction=direction, unit="dB", margin=value, cause="told")


def pairs(*differences: float) -> dict[int, tuple[float, float]]:
    return {seed: (20.0, 20.0 + difference) for seed, difference in enumerate(differences)}


def test_the_worst_seed_decides_an_exact_comparison():
    moved = judge_exactly(pairs(0.0, 0.3, -0.2), margin(0.1))
    assert (moved.outcome, moved.detail) == ("regressed", "seed 2")
    assert moved.change == pytest.approx(-0.2)


def test_a_percentage_is_one_of_the_baselines_value():
    assert judge_exactly(pairs(-0.19), margin("1%")).outcome == "pass"
    moved = judge_exactly(pairs(-0.21), margin("1%"))
    assert (moved.outcome, moved.detail) == ("regressed", ""), "of one seed there is no need to say which"


@pytest.mark.parametrize(
    ("differences", "outcome"),
    [
        ([-0.01, 0.02, 0.0, -0.02, 0.01, 0.0], "pass"),
        ([-0.31, -0.28, -0.3, -0.33, -0.29, -0.3], "regressed"),
        ([0.31, 0.28, 0.3, 0.33, 0.29, 0.3], "improved"),
        ([-0.6, 0.5, -0.4, 0.3, -0.5, 0.2], "inconclusive"),
    ],
)
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_seeds_decide_by_where_their_interval_lies(differences: list[float], outcome: str, direction: str):
    signed = differences if direction == "higher" else [-each for each in differences]
    moved = judge_seeds(pairs(*signed), margin(0.1, direction), 0.05)
    assert moved.outcome == outcome
    limits = t_interval(signed)
    assert moved.detail == f"[{limits.low:+.3g}, {limits.high:+.3g}], n = 6"


@pytest.mark.parametrize("seeds", [1, 2, 3, 4])
def test_too_few_seeds_are_inconclusive_however_clear_they_look(seeds: int):
    moved = judge_seeds(pairs(*[-5.0 - 0.01 * n for n in range(seeds)]), margin(0.1), 0.05)
    assert moved.outcome == "inconclusive"
    assert "seeds are the fewest" in moved.detail


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.0, 0.0), (0.121, 0.13), (0.12, 0.12), (99.1, 100.0), (2.00001e-5, 2.1e-5), (1.0, 1.0)]
)
def test_a_margin_is_rounded_up_to_two_digits(value: float, rounded: float):
    assert _upwards(value) == pytest.approx(rounded, rel=1e-12)


def test_seeds_that_do_not_differ_at_all_pass_without_a_margin():
    assert judge_seeds(pairs(*[0.0] * 6), margin(0.1), 0.05).outcome == "pass"


def test_what_no_seed_moves_is_compared_exactly():
    assert judge_seeds(pairs(*[0.0] * 6), margin(0.0), 0.05).outcome == "pass"
    moved = judge_seeds(pairs(0.0, 0.0, 0.0, 0.0, 0.0, -1e-9), margin(0.0), 0.05)
    assert (moved.outcome, moved.detail) == ("regressed", "seed 5")
