from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis.curves import POINTS, TrainingCurves, read_curves
from ablate.store import Store
from tests.analysis.studies import cell


def curves(root: Path, *logs: dict[int, float | None]) -> TrainingCurves:
    """Returns the curves of one cell for each log, which is its distortion by step."""
    store = Store(root, "made-up")
    cells = [cell({"loss": str(number)}, 0, 20.0) for number in range(len(logs))]
    for each, log in zip(cells, logs, strict=True):
        path = store.cell(each.id).path
        path.mkdir(parents=True)
        rows = [{"step": step, "attempt": 1, "phase": "train", "loss": {"distortion": v}} for step, v in log.items()]
        (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_curves(store, [each.id for each in cells])


def test_equal_steps_are_averaged_over_cells(tmp_path: Path) -> None:
    found = curves(tmp_path, {1: 4.0, 10: 2.0}, {1: 2.0, 10: 1.0})
    assert found.steps.tolist() == [1, 10]
    mean = found.mean("loss.distortion", ["loss=0/0/0", "loss=1/0/0"])
    assert mean is not None
    assert mean.tolist() == [3.0, 1.5]


def test_a_cell_counts_up_to_where_it_stopped(tmp_path: Path) -> None:
    found = curves(tmp_path, {1: 4.0, 10: 2.0, 20: 1.0}, {1: 2.0, 10: 1.0})
    mean = found.mean("loss.distortion", ["loss=0/0/0", "loss=1/0/0"])
    assert mean is not None
    assert mean.tolist() == [3.0, 1.5, 1.0]


def test_a_value_that_was_not_finite_is_a_gap(tmp_path: Path) -> None:
    mean = curves(tmp_path, {1: 4.0, 10: None}).mean("loss.distortion", ["loss=0/0/0"])
    assert mean is not None
    assert mean[0] == 4.0
    assert np.isnan(mean[1])


def test_many_log_points_are_averaged_within_spans(tmp_path: Path) -> None:
    mean = curves(tmp_path, {step: float(step) for step in range(1, 1001)}).mean("loss.distortion", ["loss=0/0/0"])
    assert mean is not None
    assert len(mean) == POINTS
    assert mean[0] == pytest.approx(6.0, abs=1)
    assert (np.diff(mean) > 0).all()


def test_cells_that_log_at_other_steps_meet_in_the_middle(tmp_path: Path) -> None:
    found = curves(tmp_path, {0: 0.0, 10: 10.0, 20: 20.0}, {0: 0.0, 20: 20.0})
    mean = found.mean("loss.distortion", ["loss=1/0/0"])
    assert mean is not None
    assert mean.tolist() == [0.0, 10.0, 20.0]


def test_a_quantity_that_nobody_logged_has_no_curve(tmp_path: Path) -> None:
    found = curves(tmp_path, {1: 4.0})
    assert found.mean("loss.adversarial", ["loss=0/0/0"]) is None
    assert found.mean("loss.distortion", ["another"]) is None
