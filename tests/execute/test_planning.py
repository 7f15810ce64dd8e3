"""Plans of real grid files: this imports torch once, for the losses' options."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.analysis import read_study
from ablate.config import Cell
from ablate.execute import planned_before, planning
from ablate.execute.jobs import jobs
from ablate.execute.plan import stored_plan
from ablate.execute.planning import load_plan
from ablate.records import CellSettings, write
from ablate.records.seal import sealed
from ablate.store import Store
from tests.made import made_result

GRID = """
schema = 1
name = "planned"
[base]
preset = "tiny"
train.steps = 4
train.warmup_steps = 2
[base.data]
source = "folder"
train = "train"
test = "test"
[axes]
"loss.adversarial" = ["vanilla", "hinge"]
[seeds]
values = [0, 1]
"""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for name in ("train/a.png", "train/b.png", "test/c.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (96, 96, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    path = tmp_path / "images" / "grid.toml"
    path.write_text(GRID)
    return path


@pytest.fixture
def slow_plans(monkeypatch: pytest.MonkeyPatch) -> list:
    """Counts how often a plan is worked out instead of read back."""
    counted = []
    plan = planning.plan
    monkeypatch.setattr(planning, "plan", lambda *given: (counted.append(given), plan(*given))[1])
    return counted


def test_a_plan_names_every_cell_and_each_warmup_once(grid: Path, tmp_path: Path):
    plan = load_plan(grid, tmp_path / "runs")
    assert [point.label for point in plan.points] == [
        "adversarial=vanilla seed=0",
        "adversarial=hinge seed=0",
        "adversarial=vanilla seed=1",
        "adversarial=hinge seed=1",
    ]
    assert len({point.id for point in plan.points}) == 4
    assert [point.warmup for point in plan.points] == [w for w in plan.warmups for _ in range(2)]
    assert all(point.sha256.startswith(point.id) for point in plan.points)
    assert plan.points[0].cell["data"]["train_digest"]
    assert plan.record.axes == {"loss.adversarial": ["vanilla", "hinge"]}


def test_cells_that_differ_only_in_the_place_of_their_images_run_once_and_it_is_said(grid: Path, tmp_path: Path):
    shutil.copytree(grid.parent / "train", grid.parent / "twin")
    grid.write_text(GRID.replace("[axes]", '[axes]\n"data.train" = ["train", "twin"]'))
    plan = load_plan(grid, tmp_path / "runs")
    assert len(plan.points) == 4
    assert "train=twin adversarial=hinge seed=0 is not run" in " ".join(plan.record.notes)


def test_a_plan_is_read_back_where_the_grid_file_gives_no_name(grid: Path, tmp_path: Path, slow_plans: list):
    grid.write_text(GRID.replace('name = "planned"', ""))
    load_plan(grid, tmp_path / "runs").write(Store(tmp_path / "runs", "grid"))
    load_plan(grid, tmp_path / "runs")
    assert len(slow_plans) == 1


def test_planning_writes_nothing_into_the_runs(grid: Path, tmp_path: Path):
    load_plan(grid, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_plan_is_read_back_where_nothing_changed_and_is_equal(grid: Path, tmp_path: Path, slow_plans: list):
    runs = tmp_path / "runs"
    fresh = load_plan(grid, runs)
    fresh.write(Store(runs, "planned"))
    assert load_plan(grid, runs) == fresh
    assert stored_plan(Store(runs, "planned")) == fresh
    assert len(slow_plans) == 1


def test_a_plan_with_a_data_source_that_is_not_registered_now_is_not_read_back(
    grid: Path, tmp_path: Path, slow_plans: list
):
    store = Store(tmp_path / "runs", "planned")
    fresh = load_plan(grid, tmp_path / "runs")
    fresh.write(store)
    stored = store.path / "plan.json"
    stored.write_bytes(sealed(json.loads(stored.read_text().replace('"source": "folder"', '"source": "boards"'))))
    assert load_plan(grid, tmp_path / "runs") == fresh
    assert len(slow_plans) == 2


def test_a_plan_that_is_read_back_knows_what_the_file_calls_axes_and_levels(grid: Path, tmp_path: Path) -> None:
    zipped = '[[zip]]\nlabel = "size"\nlabels = ["S", "M"]\n"model.width" = [8, 16]\n"discriminator.width" = [8, 16]\n'
    grid.write_text(GRID + zipped)
    fresh, store = load_plan(grid, tmp_path / "runs"), Store(tmp_path / "runs", "planned")
    fresh.write(store)
    (names,) = load_plan(grid, tmp_path / "runs").record.names
    assert (names.label, [level.label for level in names.levels]) == ("size", ["S", "M"])
    assert [axis.name for axis in read_study(store).axes][-1:] == ["size"]


def test_what_can_go_on_beside_a_slow_plan_is_started_before_it_and_not_where_it_is_read_back(
    grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runs, order = tmp_path / "runs", []
    plan = planning.plan
    monkeypatch.setattr(planning, "plan", lambda *given: (order.append("plan"), plan(*given))[1])
    load_plan(grid, runs, meanwhile=lambda: order.append("meanwhile")).write(Store(runs, "planned"))
    assert order == ["meanwhile", "plan"]
    load_plan(grid, runs, meanwhile=lambda: order.append("again"))
    assert order == ["meanwhile", "plan"]


def test_a_changed_grid_image_place_or_code_is_planned_anew(
    grid: Path, tmp_path: Path, slow_plans: list, monkeypatch: pytest.MonkeyPatch
):
    runs = tmp_path / "runs"
    first = load_plan(grid, runs)
    first.write(Store(runs, "planned"))

    grid.write_text(GRID + "# a comment\n")
    assert load_plan(grid, runs).points == first.points
    grid.write_text(GRID)
    assert len(slow_plans) == 2

    moved = tmp_path / "moved"
    shutil.copytree(grid.parent, moved)
    assert [p.id for p in load_plan(moved / "grid.toml", runs).points] == [p.id for p in first.points]
    assert len(slow_plans) == 3

    monkeypatch.setattr(planned_before, "code_fingerprint", lambda: "feed")
    load_plan(grid, runs)
    assert len(slow_plans) == 4
    monkeypatch.undo()

    Image.fromarray(np.zeros((96, 96, 3), np.uint8)).save(grid.parent / "train" / "a.png")
    assert {p.id for p in load_plan(grid, runs).points}.isdisjoint(p.id for p in first.points)


def test_cells_from_before_keep_the_ids_that_counted_the_evaluation_too(grid: Path, tmp_path: Path):
    grid.write_text(GRID.replace("[base.data]", "[base.evaluation]\ntap = 1280\npatch = 32\n[base.data]"))
    runs = tmp_path / "runs"
    new = load_plan(grid, runs)
    store = Store(runs, new.name)
    # One cell was trained by version 0.1, which counted the evaluation, and another one under its id of today.
    before, today, *others = new.points
    cell = Cell.model_validate(before.cell)
    assert cell.earlier_id != cell.id == before.id
    for point, name in ((before, cell.earlier_id), (today, today.id)):
        entry = store.cell(name)
        entry.path.mkdir(parents=True)
        sha256 = name + point.sha256[len(name) :]
        write(entry.path / "cell.json", CellSettings(id=name, sha256=sha256, schema_version=1, cell=dict(point.cell)))
        with entry.claim():
            entry.commit(made_result(entry, step=4, metrics={"ema": {"psnr": 20.0}, "raw": {"psnr": 20.0}}))

    planned = load_plan(grid, runs)
    assert [point.id for point in planned.points] == [cell.earlier_id, *(point.id for point in (today, *others))]
    assert "1 cell keeps its id from before 0.2" in " ".join(planned.record.notes)
    cells = [job for job in jobs(planned, store) if job.kind == "cell"]
    left = [job.id for job in cells if not job.entry(store).status().finished]
    assert left == [point.id for point in others]
    # Measured otherwise than then it is the same training still.
    grid.write_text(GRID.replace("[base.data]", "[base.evaluation]\ntap = 112\n[base.data]"))
    assert load_plan(grid, runs).points[0].id == cell.earlier_id


@pytest.mark.parametrize("stored", [False, True], ids=["worked out", "read back"])
def test_a_plan_imports_no_torch(stored: bool, grid: Path, tmp_path: Path):
    if stored:
        load_plan(grid, tmp_path / "runs").write(Store(tmp_path / "runs", "planned"))
    program = (
        "import sys; from pathlib import Path; from ablate.execute import load_plan;"
        f"load_plan(Path({str(grid)!r}), Path({str(tmp_path / 'runs')!r})); print('torch' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout == "False\n"


def test_a_grid_file_that_is_not_there_is_said_with_what_to_do(tmp_path: Path):
    with pytest.raises(ValueError, match="ablate init"):
        load_plan(tmp_path / "none.toml", tmp_path)
