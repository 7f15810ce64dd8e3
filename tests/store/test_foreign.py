"""Cells of a shared store that are another user's."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.records import ForeignError, Status
from ablate.store import Store
from tests.another_user import as_another_user
from tests.fabricated_store import Fabrication, fabricate


@pytest.fixture
def store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as directory:  # pytest's own is closed to other users
        Path(directory).chmod(0o755)
        store = fabricate(Path(directory), Fabrication(seeds=(0,), recon=False, status={0: "failed", 2: "pending"}))
        store.cell_records(store.plan())  # imports what it needs
        yield store
        for path in Path(directory).rglob("*"):
            path.chmod(0o755)


def user(path: Path) -> str:
    return path.owner()


@pytest.mark.parametrize("closed", ["result.json", "."])
def test_a_cell_that_another_user_closed_is_named_with_its_owner_and_hides_no_other(store: Store, closed: str):
    plan = store.plan()
    cell = store.cell(plan.points[1].id).path
    (cell / closed).chmod(0)
    with as_another_user():
        records = store.cell_records(plan)
    assert [record.status for record in records].count(Status.done) == 9
    assert records[1].status is Status.broken
    assert f"{cell / 'result.json'}" in records[1].cause
    assert f"belongs to {user(cell)} (mode 000)" in records[1].cause


def test_a_lock_that_another_user_closed_is_named_with_its_owner(store: Store):
    plan = store.plan()
    entry = store.cell(plan.points[0].id)
    with entry.claim():
        pass
    (entry.path / "lock").chmod(0)
    with as_another_user():
        assert store.cell_records(plan)[0].status is Status.broken
        assert f"{entry.path / 'lock'}: " in entry.fault()
        with pytest.raises(ForeignError, match=r"may not write it; it belongs to \w+ \(mode 000\)"), entry.claim():
            pass
    assert user(entry.path) in entry.fault() if os.geteuid() else entry.fault() is None


def test_a_cell_that_may_be_read_and_not_written_has_its_status_and_a_fault(store: Store):
    entry = store.cell(store.plan().points[0].id)
    for path in (entry.path, *entry.path.rglob("*")):
        path.chmod(0o555)
    with as_another_user():
        assert entry.status() is Status.failed
        assert "may not write it" in entry.fault()
        assert store.cell(store.plan().points[1].id).status() is Status.done


def test_a_cell_that_nobody_began_may_be_begun_only_where_the_store_may_be_written(store: Store):
    entry = store.cell(store.plan().points[2].id)
    assert entry.fault() is None
    (store.path / "cells").chmod(0o555)
    with as_another_user():
        assert f"{store.path / 'cells'}: " in entry.fault()
