"""A damaged checkpoint or warm-up is named, and never gone on from."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.config import Cell
from ablate.data import resolve
from ablate.execute.cell import run_cell, run_warmup
from ablate.records import Environment, Status
from ablate.store import Entry, Store, checkpoint
from tests.made import computed

MakeCell = Callable[..., Cell]
STEPS = 8


def train(cell: Cell, store: Store, *, steps: int | None = None, warmup: Entry | None = None) -> Entry:
    """Trains a cell in a new attempt, to the end or for so many steps."""
    torch.set_num_threads(1)
    entry = store.cell(cell.id)
    attempt = entry.begin_attempt(Environment(device="cpu"))
    count = itertools.count(1)
    stop = (lambda: next(count) >= steps) if steps else (lambda: False)
    common: dict[str, Any] = {"data_cache": store.data_cache, "device": "cpu"}
    ended = run_cell(cell, entry, warmup=warmup, attempt=attempt.number, stop=stop, **common)
    attempt.finish(ended.status, ended.step, ended.seconds)
    return entry


@pytest.fixture(scope="module")
def cell(request: pytest.FixtureRequest, images: Path) -> Cell:
    plain = {
        "data": {"source": "folder", "train": "train", "test": "test", "crop": 32, "batch_size": 2},
        "model": {"width": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel", "channels": 2},
        "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 1},
        "train": {"steps": STEPS, "log_every": 4, "checkpoint_every": 2},
    }
    made = Cell.model_validate(plain)
    return made.model_copy(update={"data": resolve(made.data, images)})


@pytest.fixture(scope="module")
def stopped(cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A cell that was stopped at step 5 with the checkpoint of step 4 beside, and one that nobody stopped."""
    root = tmp_path_factory.mktemp("stopped")
    train(cell, Store(root, "whole"))
    assert train(cell, Store(root, "stopped"), steps=5).result() is None
    return Store(root, "stopped")


@pytest.fixture
def again(stopped: Store, cell: Cell, tmp_path: Path) -> tuple[Store, Entry, dict[str, str]]:
    """A copy of the stopped cell, and what an undisturbed training gives."""
    shutil.copytree(stopped.root, tmp_path / "runs")
    store = Store(tmp_path / "runs", "stopped")
    whole = Store(tmp_path / "runs", "whole").cell(cell.id).result()
    assert whole is not None
    return store, store.cell(cell.id), computed(whole)


def flip(path: Path) -> None:
    """Flips a bit in the middle, where tensors are: torch loads the file as if nothing was."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def kinds(entry: Entry) -> list[str]:
    return [event.kind for event in entry.events()]


@pytest.mark.parametrize("damage", [flip, cut], ids=["flipped", "cut"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_gone_on_from(
    again: tuple[Store, Entry, dict[str, str]], cell: Cell, damage: Callable[[Path], None]
) -> None:
    store, entry, expected = again
    assert [path.name for path in entry.checkpoints()] == ["checkpoint.pt", "checkpoint.earlier.pt"]
    damage(entry.checkpoint)
    train(cell, store)
    assert kinds(entry) == ["damaged_checkpoint", "resume"]
    named, resumed = entry.events()
    assert str(entry.checkpoint) in named.detail
    assert resumed.detail == "attempt 2 continues at step 4"
    result = entry.result()
    assert result is not None
    assert computed(result) == expected
    assert not list(entry.path.glob("checkpoint.*"))


def test_where_no_checkpoint_is_whole_the_training_begins_again_and_says_so(
    again: tuple[Store, Entry, dict[str, str]], cell: Cell, capsys: pytest.CaptureFixture[str]
) -> None:
    store, entry, expected = again
    for path in entry.checkpoints():
        flip(path)
    train(cell, store)
    assert kinds(entry) == ["damaged_checkpoint", "damaged_checkpoint", "begin_again"]
    assert f"{entry.checkpoint} is edited" in capsys.readouterr().out
    result = entry.result()
    assert result is not None
    assert computed(result) == expected


def test_another_cells_checkpoint_is_no_beginning(again: tuple[Store, Entry, dict[str, str]]) -> None:
    _, entry, _ = again
    other = Entry(entry.path.parent / "0123456789ab")
    shutil.copytree(entry.path, other.path)
    assert checkpoint.damage(entry.checkpoint, entry.path.name) is None
    assert "not those that 0123456789ab saved" in str(checkpoint.damage(other.checkpoint, other.path.name))


def test_a_checkpoint_of_before_there_were_hashes_is_gone_on_from(
    again: tuple[Store, Entry, dict[str, str]], cell: Cell
) -> None:
    store, entry, expected = again
    content = entry.checkpoint.read_bytes()
    entry.checkpoint.write_bytes(content[: -checkpoint.TRAILER_BYTES])
    train(cell, store)
    assert kinds(entry) == ["resume"]
    result = entry.result()
    assert result is not None
    assert (result.status, computed(result)) == (Status.done, expected)


def test_a_warm_up_with_other_weights_than_it_committed_is_no_beginning(cell: Cell, tmp_path: Path) -> None:
    warm = cell.model_copy(update={"train": cell.train.model_copy(update={"warmup_steps": 2})})
    assert warm.warmup is not None
    store = Store(tmp_path / "runs", "warm")
    entry = store.warmup(warm.warmup.id)
    attempt = entry.begin_attempt(Environment(device="cpu"))
    run_warmup(
        warm.warmup, entry, data_cache=store.data_cache, device="cpu", attempt=attempt.number, stop=lambda: False
    )
    content = bytearray(entry.weights.read_bytes())
    content[len(content) // 2] ^= 4
    entry.weights.write_bytes(content)
    with pytest.raises(ValueError, match=f"{entry.weights} is altered"):
        train(warm, store, warmup=entry)
