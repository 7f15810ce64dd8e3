"""`ablate store` on a small store that nobody trained."""

import json
import shutil
from pathlib import Path

import pytest

from ablate.store import Store
from tests.store.sealed_store import make_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = make_store(tmp_path / "made")
    shutil.move(made.root, tmp_path / "runs")
    return Store(tmp_path / "runs", made.grid)


def dropped(store: Store) -> str:
    plan = store.plan()
    store.write_plan(plan.model_copy(update={"points": plan.points[1:]}))
    return plan.points[0].id


def test_grids_are_listed_with_what_their_plans_do_not_name(ablate_in, store: Store):
    dropped(store)
    (row,) = json.loads(ablate_in("store", "ls", "--json").output)["grids"]
    assert (row["name"], row["cells"], row["finished"], row["beyond"]) == ("sealed", 1, 2, 1)
    assert "sealed" in ablate_in("store", "ls").output
    (store.path / "plan.json").write_text("{}")
    said = ablate_in("store", "ls")
    assert said.exit_code == 0
    assert "plan.json" in said.output


def test_sizes_are_added_up_by_kind(ablate_in, store: Store):
    sums = json.loads(ablate_in("store", "du", "--json").output)
    assert sums["sealed"]["weights"] == 6000
    everything = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    assert sum(sum(one.values()) for one in sums.values()) == everything
    assert json.loads(ablate_in("store", "du", "sealed", "--json").output) == {"sealed": sums["sealed"]}
    assert "6.0 kB" in ablate_in("store", "du").output
    assert ablate_in("store", "du", "nothing").exit_code == 2


def test_nothing_is_deleted_before_it_is_asked_for(ablate_in, store: Store):
    gone = store.cell(dropped(store)).path
    said = ablate_in("store", "gc").output
    assert f"sealed/cells/{gone.name}" in said
    assert "would be freed; nothing was changed" in said
    assert gone.exists()
    assert "freed" in ablate_in("store", "gc", "--delete").output
    assert not gone.exists()
    assert "nothing to free" in ablate_in("store", "gc").output


def test_cells_and_grids_are_deleted_once_that_was_confirmed(ablate_in, store: Store):
    first, second = store.cells()
    refused = ablate_in("store", "rm", "sealed", first.path.name)
    assert (refused.exit_code, "not confirmed" in refused.stderr) == (130, True), "nobody said yes"
    assert first.path.exists()
    with first.claim():
        assert ablate_in("store", "rm", "sealed", first.path.name[:12], "-y").exit_code == 3
    assert ablate_in("store", "rm", "sealed", first.path.name, "-y").exit_code == 0
    assert (first.path.exists(), second.path.exists()) == (False, True)
    assert ablate_in("store", "rm", "sealed", "-y").exit_code == 0
    assert not store.path.exists()


def test_nothing_but_a_grid_is_deleted(ablate_in, store: Store, tmp_path: Path):
    kept = [tmp_path / "photos", store.root / "photos", store.root / ".shared"]
    for directory in kept:
        directory.mkdir(exist_ok=True)
        (directory / "a.png").touch()
    for name in (tmp_path / "photos", "../photos", "photos", "", ".", "..", ".shared", "seald"):
        said = ablate_in("store", "rm", name, "-y")
        assert (said.exit_code, "there is: sealed" in said.stderr) == (2, True), name
    assert "did you mean 'sealed'?" in said.stderr
    assert all((directory / "a.png").exists() for directory in kept)
    assert len(store.cells()) == 2


def test_what_goes_with_a_whole_grid_is_counted(ablate_in, store: Store):
    beside = store.path / "tensorboard" / "events"
    beside.parent.mkdir()
    beside.write_bytes(bytes(7_000_000))
    asked = ablate_in("store", "rm", "sealed").output
    assert "2 cells and all else in runs/sealed, 7." in asked
    assert " MB?" in asked


def test_merging_over_what_a_process_is_at_ends_as_busy(ablate_in, store: Store):
    shutil.copytree("runs", "other")
    entry = store.cells()[0]
    (entry.path / "result.json").unlink()
    with entry.claim():
        said = ablate_in("store", "merge", "other")
    assert (said.exit_code, entry.path.name in said.stderr) == (75, True)


def test_a_grid_goes_to_another_machine_as_one_file(ablate_in, store: Store):
    assert ablate_in("store", "archive", "sealed", "--no-weights").exit_code == 0
    assert ablate_in("store", "archive", "sealed").exit_code == 2, "the file is there"
    said = json.loads(ablate_in("store", "import", "sealed.tar", "-C", "there", "--json").output)
    assert len(said["copied"]) == 2 + len(store.plan().warmups)
    # No image folder is there, and the report is as here.
    shutil.rmtree("made/images", ignore_errors=True)
    for runs in ("runs", "there"):
        assert ablate_in("report", "sealed", "-C", runs, "--reports-dir", f"reports of {runs}").exit_code == 0
    here, there = (json.loads(Path(f"reports of {runs}/sealed/report.json").read_text()) for runs in ("runs", "there"))
    assert {name for name in here if here[name] != there[name]} <= {"generated"}, here.keys()


def test_merging_says_what_came_and_names_what_differs(ablate_in, store: Store):
    shutil.copytree("runs", "other")
    shutil.rmtree(store.cells()[0].path)
    assert "1 entry copied" in ablate_in("store", "merge", "other").output
    table = store.cells()[1].path / "eval" / "images.csv"
    (Path("other") / table.relative_to(store.root)).write_text("altered")
    said = ablate_in("store", "merge", "other")
    assert said.exit_code == 3
    assert "nothing was merged" in said.stderr
    assert "images.csv" in said.stderr
    assert json.loads(ablate_in("store", "merge", "other", "--json").output)["refused"]
