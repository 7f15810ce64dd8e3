from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis import Budget, budgets, read_curves, time_shares
from ablate.analysis.curves import TrainingCurves
from ablate.store import Store
from tests.analysis.studies import cell, study

STEPS = np.arange(1.0, 101.0)
AXES = {"loss": ["a", "b"]}


def timed(seconds: dict[str, float], curve: dict[str, float]) -> dict[str, Budget]:
    """Returns budgets of two losses whose distortion falls as `curve` over the step, at so many seconds a step."""
    cells = [cell({"loss": loss}, 0, 20.0) for loss in "ab"]
    curves = TrainingCurves(
        STEPS,
        {
            "loss.distortion": {each.id: curve[each.axes["loss"]] / STEPS for each in cells},
            "t": {each.id: seconds[each.axes["loss"]] * STEPS for each in cells},
        },
    )
    return {budget.unit: budget for budget in budgets(study(cells, AXES), curves)}


def test_a_loss_that_learns_more_a_step_and_takes_longer_wins_by_steps_and_loses_by_seconds() -> None:
    found = timed({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 0.8})
    steps, seconds = (found[unit].effects[0].differences[0] for unit in ("steps", "seconds"))
    assert dict(found["steps"].amounts) == {0: 100.0}
    assert dict(found["seconds"].amounts) == {0: 100.0}
    reached = np.mean(1 / np.linspace(75, 100, 16))
    # After 100 seconds b has made 50 steps.
    assert steps == pytest.approx(-0.2 * reached, rel=1e-3)
    assert seconds == pytest.approx(0.8 * 2 * reached - reached, rel=1e-3)


def test_equal_speed_makes_equal_budgets() -> None:
    found = timed({"a": 0.5, "b": 0.5}, {"a": 1.0, "b": 0.8})
    assert found["steps"].effects[0].differences == pytest.approx(found["seconds"].effects[0].differences)


def test_cells_of_another_distortion_do_not_compare() -> None:
    cells = [cell({"loss": loss}, seed, 20.0) for loss in "ab" for seed in (0, 1)]
    object.__setattr__(cells[3], "config", {"loss": {"distortion": {"name": "l1", "options": {}}}})
    values = {each.id: 1 / STEPS for each in cells}
    found = budgets(study(cells, AXES), TrainingCurves(STEPS, {"loss.distortion": values, "t": values}))
    assert list(found[0].effects[0].by_seed) == [0]


@pytest.mark.parametrize("lacking", ["loss.distortion", "t"])
def test_a_cell_without_a_curve_or_without_a_clock_is_left_out(lacking: str) -> None:
    cells = [cell({"loss": loss}, seed, 20.0) for loss in "ab" for seed in (0, 1)]
    values = {quantity: {each.id: 1 / STEPS for each in cells} for quantity in ("loss.distortion", "t")}
    del values[lacking][cells[3].id]
    for found in budgets(study(cells, AXES), TrainingCurves(STEPS, values)):
        assert list(found.effects[0].by_seed) == [0]


def test_time_is_told_as_a_share_of_the_baselines() -> None:
    cells = [cell({"loss": loss}, seed, 20.0) for loss in "ab" for seed in (0, 1)]
    for each in cells:
        each.result.__dict__["train_seconds"] = 12.0 if each.axes["loss"] == "b" else 10.0
    assert time_shares(study(cells, AXES))["loss", "b"].mean == pytest.approx(0.2)


def test_an_attempt_that_went_on_starts_its_clock_where_the_last_one_ended(tmp_path: Path) -> None:
    store, only = Store(tmp_path, "made-up"), cell({"loss": "a"}, 0, 20.0)
    path = store.cell(only.id).path
    path.mkdir(parents=True)
    rows = [(1, 1, 5.0), (2, 1, 6.0), (3, 2, 0.5), (4, 2, 1.5)]
    lines = [{"step": step, "attempt": a, "t": t, "phase": "train", "loss": {"distortion": 1.0}} for step, a, t in rows]
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves = read_curves(store, [only.id])
    assert curves.values["t"][only.id].tolist() == [5.0, 6.0, 6.5, 7.5]
