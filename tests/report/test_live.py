"""The page of a grid that is still run."""

from __future__ import annotations

import json
from pathlib import Path

from ablate.execute.look import look, over
from ablate.execute.plan import stored_plan
from ablate.records import Environment, MetricRow, Status
from ablate.report.live import all_over, seen_of, write_live
from ablate.store import Entry, Store
from tests.fabricated_store import Fabrication, fabricate

AXES = {"loss.adversarial": ["lsgan", "hinge"]}
SETTINGS = {"train.precision": "float32", "model.width": 16}


def half_way(root: Path) -> tuple[Store, Entry]:
    """Returns a store of two arms and two seeds, of which one cell is done and one was begun and stopped."""
    store = fabricate(
        root, Fabrication(axes=AXES, settings=SETTINGS, status={1: "pending", 2: "pending", 3: "pending"})
    )
    plan = store.plan()
    assert plan is not None
    entry = store.cell(plan.points[2].id)
    entry.begin_attempt(Environment())
    return store, entry


def log(entry: Entry, *steps: int) -> None:
    for step in steps:
        entry.append_metrics(MetricRow(step=step, attempt=1, t=step, loss={"generator": 3.25, "distortion": 1 / step}))


def written(store: Store, out: Path) -> tuple[str, dict]:
    report = write_live([store], out, seen_of([store]), 10, allow_mixed_code=False)
    return report.html.read_text(), json.loads(report.json.read_text())


def test_it_shows_progress_and_what_runs_and_loads_itself_anew(tmp_path: Path) -> None:
    store, entry = half_way(tmp_path)
    with entry.claim():
        log(entry, 100, 250)
        html, numbers = written(store, tmp_path / "report")
    assert '<meta http-equiv="refresh" content="10">' in html
    assert "1 of 4 cells finished" in html
    (running,) = numbers["progress"]["running"]
    assert (running["label"], running["step"], running["steps"]) == ("adversarial=hinge seed=0", 250, 1000)
    assert numbers["progress"]["cells"] == {"done": 1, "running": 1, "pending": 2}


def test_curves_of_trainings_under_way_are_drawn_and_images_of_what_is_done_are_shown(tmp_path: Path) -> None:
    store, entry = half_way(tmp_path)
    _, before = written(store, tmp_path / "report")
    log(entry, 100, 250)
    html, numbers = written(store, tmp_path / "report")
    assert {"hinge"} == {line["loss"] for line in numbers["training"]["curves"]} - {
        line["loss"] for line in before["training"]["curves"]
    }
    assert '<section id="training">\n<h2>' in html, "it is open"
    assert len(numbers["images"]["images"]) > 0


def test_there_is_no_verdict_and_no_comparison_before_every_seed_is_there(tmp_path: Path) -> None:
    store, _ = half_way(tmp_path)
    html, numbers = written(store, tmp_path / "report")
    assert {"verdict", "verdicts", "forest", "axis-effects"}.isdisjoint(numbers)
    assert "There is no verdict before every seed of every arm is there: 3 cells to go" in html


def test_a_grid_is_over_once_nothing_runs_and_nothing_is_left_that_nobody_tried(tmp_path: Path) -> None:
    store, _ = half_way(tmp_path)
    assert not all_over(seen_of([store]))
    done = fabricate(tmp_path / "done", Fabrication(axes=AXES, settings=SETTINGS, status={1: "failed", 2: "diverged"}))
    assert all_over(seen_of([done]))
    plan = stored_plan(done)
    assert plan is not None
    failed = done.cell(plan.points[1].id)
    with failed.claim():
        seen = look(plan, done)
    assert not over(seen)
    assert seen.cells[Status.running] == 1
