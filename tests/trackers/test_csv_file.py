"""The table of a cell: a row a log point, whatever is logged, and nothing of what a later attempt does anew."""

import csv
from pathlib import Path

import pytest

from ablate.records import MetricRow
from ablate.terms import Term
from ablate.trackers.catalogue import open_tracker
from ablate.trackers.tracker import TrackedRun, Tracker, numbers


def opened(directory: Path, step: int = 0) -> Tracker:
    return open_tracker(Term(name="csv"), TrackedRun("0123", "a cell", "grid", directory, 1, step))


def row(step: int, **groups: object) -> MetricRow:
    return MetricRow.model_validate({"step": step, "t": 0.5 * step, "attempt": 1, "phase": "train", **groups})


def table(directory: Path) -> list[dict[str, str]]:
    with open(directory / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_each_number_has_a_column_of_its_own(tmp_path: Path):
    tracker = opened(tmp_path)
    tracker.scalars(row(1, loss={"distortion": 0.25}, scales=[{"accuracy_real": 1.0}, {"accuracy_real": 0.5}]))
    (found,) = table(tmp_path)
    assert found == {
        "step": "1",
        "t": "0.5",
        "attempt": "1",
        "loss/distortion": "0.25",
        "scales/0/accuracy_real": "1.0",
        "scales/1/accuracy_real": "0.5",
    }


def test_a_number_that_comes_later_makes_a_column_and_one_that_is_not_there_stays_empty(tmp_path: Path):
    tracker = opened(tmp_path)
    tracker.scalars(row(1, loss={"distortion": 0.25}))
    tracker.scalars(row(2, loss={"distortion": None, "adversarial": 0.125}))
    tracker.scalars(row(3, loss={"distortion": 0.5}))
    assert [found["loss/adversarial"] for found in table(tmp_path)] == ["", "0.125", ""]
    assert [found["loss/distortion"] for found in table(tmp_path)] == ["0.25", "", "0.5"]


@pytest.mark.parametrize(("step", "kept"), [(0, []), (1, ["1"]), (2, ["1", "2"])])
def test_an_attempt_that_goes_on_drops_what_it_does_anew_and_what_a_kill_cut_off(
    tmp_path: Path, step: int, kept: list[str]
):
    before = opened(tmp_path)
    for number in (1, 2):
        before.scalars(row(number, loss={"distortion": 1.0}))
    with open(tmp_path / "metrics.csv", "a") as file:
        file.write("1,0.")
    after = opened(tmp_path, step)
    assert [found["step"] for found in table(tmp_path)] == kept
    after.scalars(row(9, loss={"distortion": 2.0}))
    assert [found["step"] for found in table(tmp_path)] == [*kept, "9"]
    assert table(tmp_path)[-1]["loss/distortion"] == "2.0"


def test_text_is_no_number():
    assert numbers(row(4, weights={"distortion": 12})) == {"step": 4, "t": 2.0, "attempt": 1, "weights/distortion": 12}
