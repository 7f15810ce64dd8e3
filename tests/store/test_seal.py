"""Every kind of file of a finished grid, altered in every way, is named as such."""

import shutil
from pathlib import Path

import pytest

from ablate.records import DamageKind, Status
from ablate.store import Store
from ablate.store.verify import targets, verify
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
