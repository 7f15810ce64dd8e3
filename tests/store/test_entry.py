import os
from pathlib import Path

import pytest

from ablate.atomic import write_bytes
from ablate.records import CellSettings, Environment, MetricRow
from ablate.store import Busy, Entry, Status
from tests.made import made_result


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return Entry(tmp_path / "cells" / "0123456789ab")


def row(step: int, attempt: int, loss: float) -> MetricRow:
    return MetricRow(step=step, attempt=attempt, loss={"generator": loss})


def test_the_status_follows_what_lies_there(entry: Entry):
    assert entry.status() is Status.pending
    with entry.claim():
        assert entry.status() is Status.running
        entry.begin_attempt(Environment()).finish(Status.failed, 3, 0.1, error="ValueError: no")
    assert entry.status() is Status.failed
    with entry.claim():
        entry.begin_attempt(Environment()).finish(Status.interrupted, 5, 0.1)
    assert entry.status() is Status.pending
    with entry.claim():
        entry.commit(made_result(entry, status="diverged"))
        assert entry.status() is Status.diverged


def test_an_attempt_killed_before_it_could_say_anything_is_pending_again(entry: Entry):
    with entry.claim():
        entry.begin_attempt(Environment())
    assert entry.status() is Status.pending


def test_looking_at_an_entry_creates_nothing(entry: Entry, tmp_path: Path):
    entry.status(), entry.metrics(), entry.events(), entry.attempts(), entry.result(), entry.cell_settings()
    entry.last_row(), entry.last_attempt(), entry.recon("ema", "cat")
    assert os.listdir(tmp_path) == []


def test_attempts_are_numbered_on_and_never_overwritten(entry: Entry):
    with entry.claim():
        numbers = [entry.begin_attempt(Environment(threads=i)).number for i in range(3)]
        entry.attempts()[1].finish(Status.failed, 1, 0.5, error="no")
        with pytest.raises(AssertionError, match="has ended already"):
            entry.attempts()[1].finish(Status.done, 2, 0.5)
        with pytest.raises(FileExistsError):
            entry.attempts()[1].begin(Environment())
    assert numbers == [1, 2, 3]
    assert [attempt.environment().threads for attempt in entry.attempts()] == [0, 1, 2]


def test_the_later_attempt_wins_per_step(entry: Entry):
    with entry.claim():
        entry.begin_attempt(Environment())
        for step in (25, 50, 75):
            entry.append_metrics(row(step, 1, loss=1))
        for step in (75, 100):
            entry.append_metrics(row(step, 2, loss=2))
    assert [(r.step, r.loss["generator"]) for r in entry.metrics()] == [(25, 1), (50, 1), (75, 2), (100, 2)]
    assert entry.last_row().step == 100


def test_a_finished_entry_cannot_be_committed_again(entry: Entry):
    entry.commit(made_result(entry))
    with pytest.raises(AssertionError, match="committed already"):
        entry.commit(made_result(entry))


def test_one_holder_at_a_time(entry: Entry):
    with entry.claim(), pytest.raises(Busy), entry.claim():
        pass


def test_claiming_clears_what_a_killed_writer_left(entry: Entry):
    entry.path.mkdir(parents=True)
    (entry.path / ".checkpoint.pt.99-aabb.tmp").write_bytes(b"half")
    with entry.claim():
        assert os.listdir(entry.path) == ["lock"]


def test_settings_are_written_once(entry: Entry):
    for label in ("first", "second"):
        entry.write_settings(CellSettings(id="0123456789ab", label=label, cell={}))
    settings = entry.cell_settings()
    assert settings is not None
    assert settings.label == "first"
    assert (entry.path / "cell.json").exists()


def test_an_event_belongs_to_the_attempt_that_runs(entry: Entry):
    with entry.claim():
        entry.begin_attempt(Environment())
        entry.begin_attempt(Environment())
        entry.append_event(7, "nonfinite", "loss.generator is nan")
    (event,) = entry.events()
    assert (event.step, event.attempt, event.kind) == (7, 2, "nonfinite")
    assert 0 <= event.t < 60


def test_images_with_like_names_have_reconstructions_of_their_own(entry: Entry):
    names = ["a/b.png", "a_b.png", "a b.png", "é" * 200, "é" * 201]
    paths = {entry.recon("ema", name) for name in names}
    assert len(paths) == len(names)
    assert all(path.parent == entry.path / "eval" / "recon" / "ema" for path in paths)
    assert max(len(path.name.encode()) for path in paths) < 255
    assert entry.recon("raw", "coffee").name == "coffee.png"


@pytest.mark.parametrize("name", ["図" * 80, "é" * 120, "a" * 250, "\U0001d4b6" * 130, "\udcff"])
def test_a_reconstruction_can_be_written_whatever_its_image_is_called(entry: Entry, name: str):
    write_bytes(entry.recon("ema", name), b"one")
    write_bytes(entry.recon("ema", name + "-"), b"other")
    assert entry.recon("ema", name).read_bytes() == b"one"


def test_a_name_that_fits_is_the_reconstructions(entry: Entry):
    assert entry.recon("ema", "Größe_02.v-1").name == "Größe_02.v-1.png"


def test_a_jackknife_that_was_written_under_its_earlier_name_is_read(entry: Entry):
    assert entry.jackknife_csv.name == "jackknife.csv"
    write_bytes(entry.path / "eval" / "without.csv", b"weights,image,group\n")
    assert entry.jackknife_csv.name == "without.csv"
    write_bytes(entry.path / "eval" / "jackknife.csv", b"weights,image,group\n")
    assert entry.jackknife_csv.name == "jackknife.csv"
