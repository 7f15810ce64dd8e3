"""Successive halving of an arm's trials."""

from __future__ import annotations

import itertools

import pytest

from ablate.execute.halving import Score, halve, ranking
from ablate.records import PlannedTuning, Status, TunedArm


def tuning(trials: int = 8, rungs: tuple[float, ...] = (0.25, 1.0), direction: str = "higher") -> PlannedTuning:
    arm = TunedArm(arm="a", ranges={}, trials=tuple({"x": float(number)} for number in range(trials)))
    return PlannedTuning.model_validate(
        {"metric": "psnr", "direction": direction, "select_on": "validation", "rungs": rungs, "seeds": (9,), "draws": 0,
         "arms": (arm,)}
    )  # fmt: skip


def scored(values: dict[int, float | None]) -> dict[int, Score]:
    return {trial: Score(value) if value is not None else Score(bad="diverged") for trial, value in values.items()}


def test_the_best_quarter_goes_on_to_a_rung_four_times_as_long_and_the_best_there_wins():
    first = scored({trial: float(trial) for trial in range(8)})
    assert halve(tuning(), [first]).rungs == [tuple(range(8)), (6, 7)]
    found = halve(tuning(), [first, scored({6: 3.0, 7: 2.0})])
    assert (found.complete, found.winner, found.ties) == (True, 6, 0), "the last rung decides, not the first"


def test_lower_may_be_better():
    first = scored({trial: float(trial) for trial in range(8)})
    assert halve(tuning(direction="lower"), [first]).rungs[1] == (0, 1)


def test_nobody_goes_on_before_all_trials_of_a_rung_are_over():
    first = {trial: Score(float(trial)) if trial else None for trial in range(8)}
    found = halve(tuning(), [first])
    assert (found.rungs, found.scores, found.complete) == ([tuple(range(8))], [], False)


def test_what_diverged_goes_no_further_and_is_counted():
    first = scored({0: 1.0} | dict.fromkeys(range(1, 8)))
    found = halve(tuning(), [first, scored({0: 5.0})])
    assert found.rungs[1] == (0,), "seven of eight have nothing to go on with"
    assert (found.winner, found.bad("diverged")) == (0, 7)


def test_an_arm_whose_trials_all_diverged_has_no_winner():
    found = halve(tuning(), [scored(dict.fromkeys(range(8)))])
    assert (found.complete, found.winner, found.bad("diverged")) == (True, None, 8)


def test_of_equal_scores_the_lower_number_wins_and_the_others_are_counted_as_ties():
    first = scored({trial: float(trial) for trial in range(8)})
    found = halve(tuning(), [first, scored({6: 2.0, 7: 2.0})])
    assert (found.winner, found.ties) == (6, 1)


def test_one_rung_is_a_search_without_halving():
    found = halve(tuning(3, (1.0,)), [scored({0: 1.0, 1: 3.0, 2: 2.0})])
    assert (found.complete, found.winner) == (True, 1)


@pytest.mark.parametrize(
    ("trials", "rungs", "counts"),
    [
        (16, (0.25, 1.0), [16, 4]),
        (9, (1 / 9, 1 / 3, 1.0), [9, 3, 1]),
        (10, (0.25, 1.0), [10, 2]),
        (2, (0.1, 1.0), [2, 1]),
    ],
)
def test_so_many_trials_come_to_each_rung(trials: int, rungs: tuple[float, ...], counts: list[int]):
    assert [tuning(trials, rungs).count(rung) for rung in range(len(rungs))] == counts


def test_the_order_in_which_trials_end_does_not_matter():
    values = {0: 2.0, 1: 2.0, 2: None, 3: 1.0}
    orders = {tuple(ranking(scored(dict(order)), "higher")) for order in itertools.permutations(values.items())}
    assert orders == {(0, 1, 3, 2)}


@pytest.mark.parametrize(
    ("cells", "score"),
    [
        ([(Status.done, 1.0), (Status.done, 3.0)], Score(2.0)),
        ([(Status.done, 1.0), (Status.running, None)], None),
        ([(Status.diverged, None), (Status.pending, None)], None),
        ([(Status.diverged, None), (Status.done, 1.0)], Score(bad="diverged")),
        ([(Status.done, None)], Score(bad="unmeasured")),
        ([(Status.failed, None)], None),
    ],
)
def test_a_score_is_the_mean_over_seeds_of_what_is_over(cells: list, score: Score | None):
    assert Score.of(cells) == score
