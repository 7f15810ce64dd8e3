"""Every kind of file of a finished grid, altered in every way, is named as such."""

import json
import shutil
from pathlib import Path

import pytest

from ablate.records import DamageKind, Status
from ablate.store import Store
from ablate.store.seal import inspect
from ablate.store.verify import targets, verify
from tests.made import reseal
from tests.store.sealed_store import DAMAGES, kinds, make_store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def store(whole: Store, tmp_path: Path) -> Store:
    shutil.copytree(whole.root, tmp_path / "runs")
    return Store(tmp_path / "runs", whole.grid)


def damages_of(store: Store) -> list:
    return [damage for each in verify(store.root, targets(store.root)) for damage in each.found.damages]


def cells_of(store: Store) -> list:
    plan = store.plan()
    assert plan is not None
    return list(store.cell_records(plan))


def test_a_store_that_nobody_touched_is_as_it_was_sealed(store: Store) -> None:
    assert damages_of(store) == []
    assert [cell.status for cell in cells_of(store)] == [Status.done, Status.done]
    assert not any(cell.unsealed for cell in cells_of(store))


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_kind_of_file_is_found_altered_and_nothing_else_is(store: Store, damage: str) -> None:
    found = kinds(store.root)
    assert len(found) > 20
    for name, kind in found.items():
        path = store.root / kind.first
        content = path.read_bytes()
        DAMAGES[damage](path, store.root / kind.second)
        told = damages_of(store)
        assert [each.path for each in told] == [path], f"{name} {damage}: {told}"
        expected = {"flipped": DamageKind.edited, "cut": DamageKind.cut, "swapped": DamageKind.copied}[damage]
        # A shorter file in a longer one's place is cut, whosever it is; a record is judged by its own seal.
        assert told[0].kind in (expected, DamageKind.cut), f"{name} {damage}: {told}"
        assert told[0].remedy
        # What the commands share sees the same of a cell.
        statuses = [cell.status for cell in cells_of(store)]
        assert statuses == [Status.altered if name.startswith("cells/") else Status.done, Status.done], name
        path.write_bytes(content)


def test_a_measurement_that_was_copied_from_another_cell_is_none_of_this_one(store: Store) -> None:
    first, second = store.cells()
    (theirs,) = second.measured_places()
    shutil.copytree(theirs.path, first.measurement(str(theirs.id)).path)
    (damage,) = damages_of(store)
    assert (damage.kind, damage.detail) == (DamageKind.copied, f"it was measured of {second.id}")
    assert [cell.status for cell in cells_of(store)] == [Status.altered, Status.done]


def test_a_measurement_of_weights_that_the_cell_has_no_more_is_named(store: Store) -> None:
    first = store.cells()[0]
    first.weights.write_bytes(b"other weights")
    reseal(first)
    (damage,) = damages_of(store)
    assert damage.detail == "it was measured of other weights than the cell has"


def test_a_done_cell_without_figures_is_broken(store: Store) -> None:
    first = store.cells()[0]
    reseal(first, lambda result: result.update(metrics={}))
    assert [cell.status for cell in cells_of(store)] == [Status.broken, Status.done]
    assert "has no metrics, though the cell is done" in str(cells_of(store)[0].cause)
    assert first.status() is Status.broken


def test_a_result_without_a_seal_is_read_as_it_is_and_never_altered(store: Store) -> None:
    first = store.cells()[0]
    path = first.path / "result.json"
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in plain.items() if key not in ("seal", "sealed")}))
    (first.path / "metrics.jsonl").write_text("")
    found = cells_of(store)[0]
    assert (found.status, found.unsealed) == (Status.done, True)


def test_what_a_copy_with_its_times_has_needs_no_hash(store: Store) -> None:
    assert inspect(store.cells()[0]).bytes == 0
    assert inspect(store.cells()[0], thorough=True).bytes > 3000


def test_what_the_dying_process_prints_after_its_last_record_is_no_damage(store: Store) -> None:
    attempt = store.cells()[0].last_attempt()
    assert attempt is not None
    with attempt.log_path.open("a") as file:
        file.write("Exception ignored in atexit callback\n")
    assert damages_of(store) == []
