"""A tracker that this file brings follows real trainings, and harms none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from ablate.config import Cell
from ablate.data import prepare
from ablate.execute.cell import run_cell, run_warmup
from ablate.records import CellSettings, Environment, MetricRow, Status
from ablate.store import Entry, Store
from ablate.terms import Term
from ablate.trackers.catalogue import trackers
from ablate.trackers.tracker import TrackedRun, numbers


@dataclass
class Remembered:
    """A tracker that remembers; `fails` names the method in which it breaks down."""

    run: TrackedRun
    fails: ClassVar[str] = ""
    told: list[tuple[str, Any]] = field(default_factory=list)

    def settings(self, settings: Mapping[str, Any]) -> None:
        self._note("settings", settings)

    def scalars(self, row: MetricRow) -> None:
        self._note("scalars", numbers(row))

    def images(self, step: int, images: Mapping[str, torch.Tensor]) -> None:
        self._note("images", (step, images))

    def event(self, step: int, kind: str, detail: str) -> None:  # noqa: ARG002
        self._note("event", (step, kind))

    def close(self, status: Status, figures: Mapping[str, Any]) -> None:
        self._note("close", (status, figures))

    def _note(self, method: str, told: Any) -> None:
        self.told.append((method, told))
        if method == self.fails:
            raise ConnectionError("the server is gone")

    def of(self, method: str) -> list[Any]:
        return [told for name, told in self.told if name == method]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Remembered]:
    """Registers the tracker for one test: all that a user writes beside the class."""
    list(trackers)  # those that ship
    monkeypatch.setattr(trackers, "_entries", dict(trackers._entries))
    found: list[Remembered] = []

    @trackers.register()
    def remembered(run: TrackedRun) -> Remembered:
        found.append(Remembered(run))
        return found[-1]

    @trackers.register()
    def absent(run: TrackedRun) -> Remembered:
        raise ModuleNotFoundError("No module named 'tensorbored'")

    return found


def train(cell: Cell, entry: Entry, store: Store, *names: str, stop: Callable[[], bool] = lambda: False):
    torch.set_num_threads(1)
    common: dict[str, Any] = {
        "data_cache": store.data_cache,
        "device": "cpu",
        "stop": stop,
        "trackers": [Term(name=name) for name in names],
    }
    return run_cell(cell, entry, warmup=None, attempt=entry.last_attempt().number, **common)


def test_it_is_told_all_that_the_store_keeps_and_shown_what_the_codec_makes(make_cell, claimed, store: Store, opened):
    cell = make_cell()
    entry = claimed(cell)
    entry.write_settings(CellSettings(id=cell.id, label="a cell", cell=cell.model_dump(mode="json")))
    assert train(cell, entry, store, "remembered").status == "done"
    (tracker,) = opened
    assert tracker.run == TrackedRun(cell.id, "a cell", "test", entry.path, 1, 0)
    assert tracker.of("settings") == [entry.settings().plain()]
    assert tracker.of("scalars") == [numbers(row) for row in entry.metrics()]
    assert tracker.of("scalars")[-1]["loss/generator"] > 0
    assert [step for step, _ in tracker.of("images")] == [row.step for row in entry.metrics()]
    for _, images in tracker.of("images"):
        assert {name: each.shape for name, each in images.items()} == dict.fromkeys(
            ("image", "reconstruction"), (2, 3, 32, 32)
        )
        assert not any(each.requires_grad for each in images.values())
    assert tracker.told[-1] == ("close", (Status.done, entry.result().metrics))


def test_a_resumed_training_goes_on_with_its_run_from_the_step_that_was_saved(make_cell, claimed, store: Store, opened):
    cell = make_cell()
    entry, steps = claimed(cell), iter(range(1, 99))
    assert train(cell, entry, store, "remembered", "csv", stop=lambda: next(steps) >= 7).status == "interrupted"
    entry.begin_attempt(Environment())
    assert train(cell, entry, store, "remembered", "csv").status == "done"
    first, second = opened
    assert first.told[-1] == ("close", (Status.interrupted, {}))
    assert (first.run.id, first.run.step) == (second.run.id, 0)
    assert (second.run.attempt, second.run.step) == (2, 7)
    logged = [row["step"] for tracker in opened for row in tracker.of("scalars")]
    assert logged == [row.step for row in entry.metrics()] == [1, 4, 8, 12]
    assert [tracker.of("event") for tracker in opened] == [[], [(7, "resume")]]
    assert [name for name, _ in second.told[:2]] == ["settings", "event"]
    table = (entry.path / "metrics.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in table] == ["step", "1", "4", "8", "12"]
    assert table[0].count(",") == table[-1].count(",") > 10


@pytest.mark.parametrize("method", ["settings", "scalars", "images", "close"])
def test_one_that_fails_is_said_once_and_stops_no_training(
    make_cell, claimed, store: Store, opened, monkeypatch, capsys, method: str
):
    monkeypatch.setattr(Remembered, "fails", method)
    cell = make_cell()
    entry = claimed(cell)
    assert train(cell, entry, store, "remembered", "absent", "csv").status == "done"
    said = capsys.readouterr()
    assert said.out.count("the tracker remembered failed, and is told nothing more: ConnectionError: the server") == 1
    assert said.out.count("the tracker absent failed") == 1
    assert "Traceback" in said.err
    assert opened[0].told[-1][0] == method
    assert len((entry.path / "metrics.csv").read_text().splitlines()) == 5


def test_a_divergence_is_told_as_an_event(make_cell, claimed, store: Store, opened):
    cell = make_cell(optimizers={"generator": {"learning_rate": 1e30}})
    entry = claimed(cell)
    assert train(cell, entry, store, "remembered").status == "diverged"
    assert opened[0].of("event") == [(entry.result().step, "nonfinite")]
    assert opened[0].of("close") == [(Status.diverged, {})]


def test_a_damaged_checkpoint_is_told_once_the_trackers_are_open(make_cell, claimed, store: Store, opened):
    cell = make_cell()
    entry, steps = claimed(cell), iter(range(1, 99))
    assert train(cell, entry, store, stop=lambda: next(steps) >= 7).status == "interrupted"
    entry.checkpoint.write_bytes(entry.checkpoint.read_bytes()[:-1])
    entry.begin_attempt(Environment())
    assert train(cell, entry, store, "remembered").status == "done"
    (tracker,) = opened
    told = [kind for _, kind in tracker.of("event")]
    assert told == [event.kind for event in entry.events()]
    assert told[0] == "damaged_checkpoint"


def test_a_training_that_breaks_off_has_failed(make_cell, claimed, store: Store, opened):
    def broken() -> bool:
        raise ZeroDivisionError

    cell = make_cell()
    entry = claimed(cell)
    with pytest.raises(ZeroDivisionError):
        train(cell, entry, store, "remembered", stop=broken)
    assert opened[0].of("close") == [(Status.failed, {})]


def test_a_full_disk_under_the_stores_own_rows_is_the_trainings_failure(make_cell, claimed, store: Store, monkeypatch):
    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ablate.records.rows.append_row", full)
    cell = make_cell()
    with pytest.raises(OSError, match="No space"):
        train(cell, claimed(cell), store)


def test_a_warmup_is_followed_too(make_cell, store: Store, opened, tmp_path: Path):
    cell = make_cell(train={"warmup_steps": 3})
    prepare(cell.data, "train", store.data_cache)
    warmup = store.warmup(cell.warmup.id)
    warmup.begin_attempt(Environment())
    common: dict[str, Any] = {"data_cache": store.data_cache, "device": "cpu", "stop": lambda: False}
    run_warmup(cell.warmup, warmup, attempt=1, trackers=(Term(name="remembered"),), **common)
    assert [(row["step"], row["loss/distortion"] > 0) for row in opened[0].of("scalars")] == [(1, True), (3, True)]
