"""Stores joined to one, and a grid as a file."""

import json
import lzma
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from ablate.records import MetricRow, Result
from ablate.store import Busy, Entry, Store, checkpoint
from ablate.store import archive as archive_module
from ablate.store.archive import archive, import_archive
from ablate.store.artefacts import artefacts, sha256
from ablate.store.merge import MergeError, merge
from ablate.store.verify import targets, verify
from tests.store.sealed_store import make_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path / "one")


def split(store: Store, *roots: Path) -> list[Store]:
    """Gives each of its cells to a store of its own, with all that is shared."""
    stores = []
    for root, entry in zip(roots, store.cells(), strict=True):
        shutil.copytree(store.root, root)
        stores.append(Store(root, store.grid))
        for other in stores[-1].cells():
            if other.path.name != entry.path.name:
                shutil.rmtree(other.path)
    return stores


def content(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def commit_again(entry: Entry, **changed: object) -> None:
    """Seals a result with other facts, as another training would."""
    plain = entry.result().plain() | changed
    (entry.path / "result.json").unlink()
    entry.commit(Result.model_validate(plain | artefacts(entry.path)))


def test_parts_of_a_store_merged_are_the_store(store: Store, tmp_path: Path):
    first, second = split(store, tmp_path / "a", tmp_path / "b")
    merged = merge([first.root, second.root], tmp_path / "merged")
    assert content(tmp_path / "merged") == content(store.root)
    assert (len(merged.copies), merged.equal) == (4, 2), "two cells and two warm-ups, which both parts have"
    assert all(not each.found.damages for each in verify(tmp_path / "merged", targets(tmp_path / "merged")))
    again = merge([first.root, second.root], tmp_path / "merged")
    assert (len(again.copies), again.equal) == (0, 8), "their measurements, too"
    assert not list((tmp_path / "merged").rglob("*.tmp"))


@pytest.mark.parametrize("what", ["metrics", "weights"])
def test_two_results_of_one_id_that_differ_are_refused_and_nothing_is_changed(store: Store, tmp_path: Path, what: str):
    first, second = split(store, tmp_path / "a", tmp_path / "b")
    other = second.warmup("warm00000000") if what == "weights" else first.cells()[0]
    if what == "weights":
        other.weights.write_bytes(b"other")
        commit_again(other)
    else:
        shutil.copytree(other.path, second.cell(other.path.name).path)
        metrics = {weights: {**found, "psnr": 1.0} for weights, found in other.result().metrics.items()}
        commit_again(second.cell(other.path.name), metrics=metrics)
    with pytest.raises(MergeError) as error:
        merge([first.root, second.root], tmp_path / "merged")
    (refusal,) = error.value.refusals
    assert other.path.name in refusal
    assert ("weights are not the same" if what == "weights" else "and 1.0") in refusal
    assert not (tmp_path / "merged").exists()


def test_what_is_not_as_it_was_sealed_is_refused(store: Store, tmp_path: Path):
    altered = store.cells()[0].path / "eval" / "images.csv"
    size, times = altered.stat().st_size, (altered.stat().st_atime_ns, altered.stat().st_mtime_ns)
    altered.write_bytes(b"x" * size)
    os.utime(altered, ns=times)
    with pytest.raises(MergeError, match=r"images\.csv is edited"):
        merge([store.root], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_what_is_finished_or_further_wins_and_what_runs_is_left_out(store: Store, tmp_path: Path):
    theirs = Store(tmp_path / "b", store.grid)
    finished, open_here = store.cells()
    shutil.copytree(store.root, theirs.root)
    for entry, step in ((theirs.cell(finished.path.name), 5), (open_here, 5), (theirs.cell(open_here.path.name), 7)):
        (entry.path / "result.json").unlink()
        entry.append_metrics(MetricRow(step=2000 + step, attempt=1))
    with theirs.cell(open_here.path.name).claim():
        merged = merge([theirs.root], store.root)
    assert [note for note in merged.notes if "is running" in note]
    assert (merged.behind, merged.copies) == (1, [])
    assert finished.result() is not None
    merge([theirs.root], store.root)
    assert open_here.last_row().step == 2007


def test_a_training_that_can_go_on_is_not_replaced_by_one_that_begins_again(store: Store, tmp_path: Path):
    theirs = Store(tmp_path / "b", store.grid)
    entry = store.cells()[0]
    (entry.path / "result.json").unlink()
    shutil.copytree(store.root, theirs.root)
    far = theirs.cell(entry.path.name)
    far.append_metrics(MetricRow(step=9000, attempt=1))
    checkpoint.save(entry, lambda file: file.write(b"state"))
    state = entry.checkpoint.read_bytes()
    assert merge([theirs.root], store.root).behind == 1
    assert entry.checkpoint.read_bytes() == state
    merge([store.root], theirs.root)
    assert far.checkpoint.read_bytes() == state


@pytest.mark.parametrize("order", [1, -1])
def test_what_one_store_was_packed_without_comes_from_another_in_any_order(store: Store, tmp_path: Path, order: int):
    archive(store, tmp_path / "small.tar", weights=False, images=False)
    import_archive(tmp_path / "small.tar", tmp_path / "small")
    merge([tmp_path / "small", store.root][::order], tmp_path / "merged")
    assert content(tmp_path / "merged" / store.grid) == content(store.path)


def test_measurements_of_a_cell_that_is_there_are_added(store: Store, tmp_path: Path):
    shutil.copytree(store.root, tmp_path / "b")
    measured = store.cells()[0].measured_places()[0]
    shutil.rmtree(measured.path.parent)
    assert store.cells()[0].measurements() == []
    merge([tmp_path / "b"], store.root)
    assert content(store.root) == content(tmp_path / "b")


@pytest.mark.parametrize("name", ["plan.json", "metrics.jsonl"])
def test_a_record_that_cannot_be_read_is_refused_with_its_path_before_anything_is_copied(store, tmp_path, name: str):
    shutil.copytree(store.root, tmp_path / "b")
    damaged = Store(tmp_path / "b", store.grid)
    for each in (store, damaged) if name == "metrics.jsonl" else ():
        (each.cells()[0].path / "result.json").unlink()
    path = damaged.path / name if name == "plan.json" else damaged.cells()[0].path / name
    path.write_text('{"step": "no"}\n')
    shutil.rmtree(store.cells()[1].path)
    with pytest.raises(MergeError, match=path.name):
        merge([damaged.root], store.root)
    assert len(store.cells()) == 1


def test_nothing_is_replaced_where_a_process_is_at_one_of_the_entries(store: Store, tmp_path: Path):
    shutil.copytree(store.root, tmp_path / "b")
    first, second = store.cells()
    for entry in (first, second):
        (entry.path / "result.json").unlink()
    before = content(store.root)
    with second.claim(), pytest.raises(Busy, match=second.path.name):
        merge([tmp_path / "b"], store.root)
    assert content(store.root) == before
    merge([tmp_path / "b"], store.root)
    assert None not in (first.result(), second.result())


def test_cells_come_from_a_store_whose_plan_is_gone(store: Store, tmp_path: Path):
    (store.path / "plan.json").unlink()
    merged = merge([store.root], tmp_path / "merged")
    assert len(Store(tmp_path / "merged", store.grid).cells()) == 2
    assert [note for note in merged.notes if "has no plan.json" in note]


def test_a_directory_that_is_no_store_is_told(store: Store, tmp_path: Path):
    with pytest.raises(ValueError, match="is no store"):
        merge([tmp_path / "nothing"], store.root)
    with pytest.raises(ValueError, match="merged into"):
        merge([store.root], store.root)


def test_an_archive_is_the_same_for_the_same_content_and_another_machine_has_all_of_it(store: Store, tmp_path: Path):
    archive(store, tmp_path / "a.tar")
    shutil.copytree(store.root, tmp_path / "again")
    archive(Store(tmp_path / "again", store.grid), tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    import_archive(tmp_path / "a.tar", tmp_path / "elsewhere")
    plan = store.plan()
    expected = {name: found for name, found in content(store.root).items() if "warmups" not in name or plan.warmups}
    found = content(tmp_path / "elsewhere")
    assert {name: found[name] for name in found if ".shared" not in name} == {
        name: expected[name] for name in expected if ".shared" not in name
    }


def test_an_archive_without_weights_reports_alike_and_a_whole_one_completes_it(store: Store, tmp_path: Path):
    archive(store, tmp_path / "small.tar", weights=False)
    archive(store, tmp_path / "whole.tar")
    there = Store(tmp_path / "there", store.grid)
    import_archive(tmp_path / "small.tar", there.root)
    assert not list(there.root.rglob("weights.pt"))
    here, elsewhere = (json.dumps(figures(each)) for each in (store, there))
    assert here == elsewhere
    _, merged = import_archive(tmp_path / "whole.tar", there.root)
    assert len(merged.completed) == 2
    assert content(there.cells()[0].path) == content(store.cells()[0].path)


def test_an_archive_of_records_alone_reports_the_same_figures(store: Store, tmp_path: Path):
    archive(store, tmp_path / "records.tar.xz", weights=False, images=False)
    archive(store, tmp_path / "whole.tar")
    assert (tmp_path / "records.tar.xz").stat().st_size < (tmp_path / "whole.tar").stat().st_size / 10
    there = Store(tmp_path / "there", store.grid)
    manifest, _ = import_archive(tmp_path / "records.tar.xz", there.root)
    assert (manifest.weights, manifest.images) == (False, False)
    assert not [path for path in there.root.rglob("*") if path.suffix in (".png", ".npy", ".pt")]
    assert json.dumps(figures(store)) == json.dumps(figures(there))
    import_archive(tmp_path / "whole.tar", there.root)
    assert content(there.cells()[0].path) == content(store.cells()[0].path)


def test_what_is_being_trained_is_left_out_of_an_archive(store: Store, tmp_path: Path):
    entry, other = store.cells()[:2]
    (entry.path / "result.json").unlink()
    with entry.claim():
        _, left_out = archive(store, tmp_path / "a.tar")
    assert [each.path for each in left_out] == [entry.path]
    with tarfile.open(tmp_path / "a.tar") as tar:
        names = tar.getnames()
    assert [name for name in names if entry.path.name in name] == []
    assert [name for name in names if other.path.name in name]


def test_what_is_being_measured_is_left_out_of_an_archive_and_its_cell_is_not(store: Store, tmp_path: Path):
    entry, other = store.cells()
    measured, looked_at = entry.measured_places()[0], Entry(entry.evaluations()[0])
    with measured.claim(), looked_at.claim(), other.claim():
        _, left_out = archive(store, tmp_path / "a.tar")
    assert [each.path for each in left_out] == [measured.path, looked_at.path, other.path], "one is being made anew"
    import_archive(tmp_path / "a.tar", tmp_path / "there")
    there = Store(tmp_path / "there", store.grid).cell(entry.path.name)
    assert there.result() == entry.result()
    assert (there.measured_places(), there.evaluations()) == ((), ())


def test_what_grows_while_it_is_packed_is_packed_as_it_was(store: Store, tmp_path: Path, monkeypatch):
    growing = store.cells()[0].path / "notes.txt"
    growing.write_text("one\n")

    def hashed(path: Path, *count: int) -> str:
        found = sha256(path, *count)
        with growing.open("a") as file:
            file.write("more\n")
        return found

    monkeypatch.setattr(archive_module, "sha256", hashed)
    archive(store, tmp_path / "a.tar")
    monkeypatch.undo()
    import_archive(tmp_path / "a.tar", tmp_path / "there")
    there = tmp_path / "there" / growing.relative_to(store.root)
    assert growing.read_text().startswith(there.read_text())


def test_files_of_trackers_and_schedulers_stay_where_they_are(store: Store, tmp_path: Path):
    for name in ("tensorboard/run/events.out.tfevents.1", "mlflow/mlflow.db", "slurm/1_0_log.out"):
        (store.path / name).parent.mkdir(parents=True)
        (store.path / name).touch()
    archive(store, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        tops = {name.split("/")[1] for name in tar.getnames() if name.startswith(store.grid)}
    assert tops == {"cells", "grid.toml", "plan.json"}


def figures(store: Store) -> object:
    return [(record.id, record.status, record.result.metrics) for record in store.cell_records(store.plan())]


@pytest.mark.parametrize("how", ["cut", "edited", "more", "other", "compressed"])
def test_an_archive_that_was_cut_or_altered_is_refused_and_changes_nothing(store: Store, tmp_path: Path, how: str):
    path, root = tmp_path / "a.tar", tmp_path / "elsewhere"
    archive(store, path)
    whole = path.read_bytes()
    at = whole.index(b"weights,image")
    compressed = bytearray(lzma.compress(whole))
    compressed[len(compressed) // 2] ^= 1
    if how == "more":
        (tmp_path / "evil").write_text("more")
        with tarfile.open(path, "a") as tar:
            tar.add(tmp_path / "evil", arcname="../evil")
    else:
        changed = {"cut": whole[: at + 5], "edited": whole[:at] + b"W" + whole[at + 1 :], "other": b"no archive"}
        path.write_bytes((changed | {"compressed": bytes(compressed)})[how])
    with pytest.raises(ValueError, match=r"a\.tar (was cut|is altered|is no archive)"):
        import_archive(path, root)
    assert not [each for each in root.rglob("*") if each.is_file()]
