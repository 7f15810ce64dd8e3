import os
from pathlib import Path

from ablate.records import PlanRecord
from ablate.store import Store, latest, named


def test_a_store_creates_nothing_before_it_is_written_to(tmp_path: Path):
    store = Store(tmp_path / "runs", "quickstart")
    assert store.plan() is None
    assert latest(tmp_path / "runs") is None
    assert named(tmp_path / "runs") == ()
    store.cell("aa").status()
    assert os.listdir(tmp_path) == []


def test_warmups_are_shared_by_all_grids_and_cells_are_not(tmp_path: Path):
    one, two = Store(tmp_path, "one"), Store(tmp_path, "two")
    assert one.warmup("aa") == two.warmup("aa")
    assert one.cell("aa") != two.cell("aa")


def test_the_latest_grid_is_the_one_whose_plan_was_written_last(tmp_path: Path):
    for name in ("one", "two"):
        Store(tmp_path, name).write_plan(PlanRecord(name=name, grid_sha256="", data_stat="", axes={}, points=()))
    os.utime(tmp_path / "one" / "plan.json", ns=(1, 1))
    assert latest(tmp_path) == Store(tmp_path, "two")
    os.utime(tmp_path / "two" / "plan.json", ns=(0, 0))
    assert latest(tmp_path) == Store(tmp_path, "one")
    assert named(tmp_path) == ("one", "two")


def test_earlier_grid_files_are_kept(tmp_path: Path):
    store = Store(tmp_path, "grid")
    for content in (b"a", b"a", b"b", b"c"):
        store.write_grid(content)
    kept = {path.read_bytes() for path in store.path.glob("grid-????????.toml")}
    assert (store.path / "grid.toml").read_bytes() == b"c"
    assert kept == {b"a", b"b"}
