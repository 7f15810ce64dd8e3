"""What a store no longer needs."""

import json
import os
import time
from pathlib import Path

import pytest

from ablate.store import Entry, Store
from ablate.store.garbage import find_garbage, remove
from ablate.store.parts import kind_of
from tests.fabricated_store import Fabrication, fabricate


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return fabricate(tmp_path, Fabrication(seeds=(0,), recon=False, warmup_seconds=1.0, status={0: "failed"}))


def names(store: Store) -> dict[str, str]:
    found, _ = find_garbage(store.root)
    return {str(each.path.relative_to(store.root)): each.why for each in found}


def drop(store: Store, index: int) -> str:
    """Takes a cell out of the plan."""
    plan = store.plan()
    store.write_plan(plan.model_copy(update={"points": plan.points[:index] + plan.points[index + 1 :]}))
    return plan.points[index].id


def test_a_store_that_is_as_planned_has_no_garbage(store: Store):
    unused = {".shared/warmups/warm00000000"} if not store.plan().warmups else set()
    assert names(store).keys() == unused


def test_cells_warmups_and_images_that_no_plan_names_may_go(store: Store):
    gone = drop(store, 3)
    images = store.data_cache / "0123456789ab"
    images.mkdir(parents=True)
    (images / "index.json").write_text(json.dumps({"digest": "f" * 64}))
    kept = store.data_cache / "ba9876543210"
    kept.mkdir()
    (kept / "index.json").write_text(json.dumps({"digest": store.plan().points[0].cell["data"]["test_digest"]}))
    expected = {f"{store.grid}/cells/{gone}", ".shared/data/0123456789ab", ".shared/warmups/warm00000000"}
    assert names(store) == dict.fromkeys(expected, "no plan names it")


def test_a_cell_whose_weights_planned_cells_start_from_stays(store: Store):
    origin = drop(store, 3)
    plan = store.plan()
    first = plan.points[0]
    started = {**first.cell, "train": {**first.cell["train"], "start": {"cell": origin}}}
    assert f"{store.grid}/cells/{origin}" in names(store)
    store.write_plan(plan.model_copy(update={"points": (first.model_copy(update={"cell": started}), *plan.points[1:])}))
    assert f"{store.grid}/cells/{origin}" not in names(store)


def test_states_of_finished_trainings_may_go_and_those_of_unfinished_ones_stay(store: Store):
    unfinished, finished = (store.cell(point.id) for point in store.plan().points[:2])
    for entry in (unfinished, finished):
        entry.checkpoint.write_bytes(b"state")
    assert names(store)[f"{store.grid}/cells/{finished.path.name}/checkpoint.pt"] == "its training is finished"
    for each in find_garbage(store.root)[0]:
        assert remove(each)
    assert unfinished.checkpoint.exists()
    assert not finished.checkpoint.exists()
    assert finished.result() is not None


def test_nothing_shared_goes_where_a_plan_cannot_be_read_and_its_grid_stays_whole(store: Store):
    drop(store, 3)
    (store.path / "plan.json").write_text("{}")
    found, notes = find_garbage(store.root)
    assert found == []
    assert store.grid in notes[0]


def test_nothing_goes_where_it_is_not_known_what_was_tuned(store: Store):
    drop(store, 3)
    (store.path / "tuning.json").write_text("{}")
    found, notes = find_garbage(store.root)
    assert found == []
    assert "tuning.json" in notes[0]


def test_what_a_process_is_at_stays(store: Store):
    gone = store.cell(drop(store, 3))
    (garbage,) = [each for each in find_garbage(store.root)[0] if each.path == gone.path]
    with gone.claim():
        assert not remove(garbage)
        assert gone.path.exists()
    assert remove(garbage)
    assert not gone.path.exists()
    assert all(entry.path.name[0] != "." for entry in store.cells())


@pytest.mark.parametrize("place", ["measurements/abcdefabcdef", "evaluations/other-0123"])
def test_a_cell_that_is_being_measured_stays(store: Store, place: str):
    gone = store.cell(drop(store, 3))
    (garbage,) = [each for each in find_garbage(store.root)[0] if each.path == gone.path]
    with Entry(gone.path / place).claim():
        assert not remove(garbage)
        assert gone.result() is not None
    assert remove(garbage)
    assert not gone.path.exists()


def test_what_was_being_written_a_day_ago_may_go_and_what_is_written_now_stays(store: Store):
    old, new = (store.path / f".plan.json.{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    assert names(store).get(f"{store.grid}/{old.name}") == "nobody writes it any more"
    assert f"{store.grid}/{new.name}" not in names(store)


@pytest.mark.parametrize("name", ["checkpoint.pt", ".env.json.1-ab.tmp"])
def test_what_vanishes_while_it_is_looked_for_is_no_error(store: Store, monkeypatch: pytest.MonkeyPatch, name: str):
    """The state of a training that ends is deleted, or a file that is written gets its name, between two looks."""
    gone = store.cell(store.plan().points[1].id).path / name
    gone.write_bytes(b"state")

    def vanishing(look):
        def looked(path: Path, **options):
            if path == gone:
                path.unlink(missing_ok=True)
            return look(path, **options)

        return looked

    for look in ("stat", "lstat"):
        monkeypatch.setattr(Path, look, vanishing(getattr(Path, look)))
    assert all(each.bytes == 0 for each in find_garbage(store.root)[0] if each.path == gone)
    assert not gone.exists()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("g/cells/a/weights.pt", "weights"),
        ("g/cells/a/checkpoint.pt", "checkpoints"),
        ("g/cells/a/eval/recon/ema/x.png", "reconstructions"),
        ("g/cells/a/eval/images.csv", "tables"),
        ("g/cells/a/metrics.jsonl", "telemetry"),
        ("g/cells/a/attempts/001/log.txt", "telemetry"),
        ("g/cells/a/attempts/001/exit.json", "records"),
        ("g/plan.json", "records"),
        (".shared/data/ab/images.u8", "images"),
        (".shared/data/anchors-jpeg-1.json", "records"),
        (".shared/warmups/a/weights.pt", "weights"),
        ("g/cells/a/lock", "other"),
    ],
)
def test_each_file_is_of_one_kind(path: str, kind: str):
    assert kind_of(path) == kind
