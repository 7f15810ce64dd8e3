from __future__ import annotations

from ablate.analysis import candidates, winner
from ablate.analysis.intervals import t_interval
from tests.analysis.studies import cell, study

AXES = {"loss": ["a", "b", "c"]}


def losses(scores: dict[str, list[float | None]]) -> list:
    return [cell({"loss": loss}, seed, value) for loss, row in scores.items() for seed, value in enumerate(row)]


def test_the_winner_is_compared_seed_by_seed_with_the_runner_up_and_the_baseline() -> None:
    won = winner(study(losses({"a": [20.0, 21.0], "b": [22.0, 24.0], "c": [21.0, 22.0]}), AXES), "psnr", "higher")
    assert won is not None
    assert (won.arm, won.mean) == ("loss=b", 23.0)
    assert won.runner_up is not None
    assert (won.runner_up.other, won.runner_up.interval) == ("loss=c", t_interval([1.0, 2.0]))
    assert won.baseline is not None
    assert (won.baseline.other, won.baseline.interval) == ("loss=a", t_interval([2.0, 3.0]))


def test_where_lower_is_better_the_lowest_wins() -> None:
    won = winner(study(losses({"a": [20.0], "b": [22.0]}), AXES), "psnr", "lower")
    assert won is not None
    assert won.arm == "loss=a"
    assert won.baseline is None


def test_an_arm_with_fewer_finished_seeds_cannot_win() -> None:
    subject = study(losses({"a": [20.0, 21.0], "b": [99.0, None], "c": [21.0, 22.0]}), AXES)
    assert [arm.name for arm in candidates(subject)] == ["loss=a", "loss=c"]
    won = winner(subject, "psnr", "higher")
    assert won is not None
    assert won.arm == "loss=c"


def test_nothing_measured_has_no_winner() -> None:
    assert winner(study(losses({"a": [None], "b": [None]}), AXES), "psnr", "higher") is None
    assert winner(study(losses({"a": [1.0]}), AXES), "ms_ssim", "higher") is None


def test_a_seed_that_was_run_twice_is_one_seed() -> None:
    cells = losses({"a": [20.0, 21.0], "b": [22.0, 24.0]})
    again = cell({"loss": "a"}, 0, 20.0, replicate=1)
    subject = study([*cells, again], AXES)
    assert len(candidates(subject)) == 2
    assert [len(arm.again) for arm in subject.arms] == [1, 0]


def test_an_arm_that_was_trained_against_what_measures_cannot_win_by_it() -> None:
    cells = losses({"a": [20.0], "b": [22.0], "c": [21.0]})
    next(each for each in cells if each.axes["loss"] == "b").result.protocol["psnr"] = {"trained_against": True}
    won = winner(study(cells, AXES), "psnr", "higher")
    assert (won.arm, won.runner_up.other) == ("loss=c", "loss=a")
