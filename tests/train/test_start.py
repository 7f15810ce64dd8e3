"""Trainings that start from given weights: of a file or of another cell, and only where they fit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ablate.codecs.build import build_codec
from ablate.config import Cell
from ablate.data import prepare
from ablate.execute.planning import plan
from ablate.grid import read_grid
from ablate.records import Environment
from ablate.store import Entry, Store
from ablate.train.start import given_weights
from ablate.train.state import TrainState
from tests.train.conftest import MakeCell
from tests.train.test_run import train


def weights_of(cell: Cell, seed: int = 7) -> dict[str, torch.Tensor]:
    return build_codec(cell.model, seed).state_dict()


def written(cell: Cell, path: Path) -> dict[str, str]:
    """Writes weights and returns the setting that names them."""
    weights = {name: each.contiguous() for name, each in weights_of(cell).items()}
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path)
    return {"file": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def started(cell: Cell, origin: Entry | None = None) -> TrainState:
    state = TrainState.for_cell(cell, "cpu")
    state.start_from_given(given_weights(cell.train.start, origin))
    return state


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_training_starts_from_the_weights_of_a_file(make_cell: MakeCell, tmp_path: Path, name: str) -> None:
    start = written(make_cell(), tmp_path / name)
    state = started(make_cell(train={"start": start}))
    for key, expected in weights_of(make_cell()).items():
        assert torch.equal(state.codec.state_dict()[key], expected)
        assert torch.equal(state.average.state_dict()[key], expected)


def test_the_hash_of_a_file_is_identity_and_its_place_is_not(make_cell: MakeCell, tmp_path: Path) -> None:
    start = written(make_cell(), tmp_path / "weights.pt")
    here, there, plain = (
        make_cell(train=each).id for each in ({"start": start}, {"start": start | {"file": "elsewhere"}}, {})
    )
    assert here == there != plain
    assert make_cell(train={"start": start | {"sha256": "0" * 64}}).id not in (here, plain)


def finished(cell: Cell, store: Store) -> Entry:
    for split in ("train", "test"):
        prepare(cell.data, split, store.data_cache)
    entry = store.cell(cell.id)
    entry.begin_attempt(Environment(device="cpu"))
    origin = store.cell(cell.train.start.cell) if cell.train.start.cell else None
    assert train(cell, entry, store, origin=origin).status == "done"
    return entry


def test_a_training_starts_from_another_cell(make_cell: MakeCell, store: Store) -> None:
    first = finished(make_cell(), store)
    cell = make_cell(train={"start": {"cell": first.path.name}, "steps": 3})
    state, saved = started(cell, first), torch.load(first.weights, weights_only=True)
    assert all(torch.equal(each, saved["codec"][name]) for name, each in state.codec.state_dict().items())
    assert all(torch.equal(each, saved["average"][name]) for name, each in state.average.state_dict().items())
    entry = finished(cell, store)
    moved = torch.load(entry.weights, weights_only=True)["codec"]
    largest = max(float((moved[n] - saved["codec"][n]).abs().max()) for n in moved if n.endswith("weight"))
    assert 0 < largest < 3 * 3e-4, "three steps away from where it started"


def test_a_cell_that_is_not_done_gives_no_weights(make_cell: MakeCell, store: Store) -> None:
    cell = make_cell(train={"start": {"cell": "0" * 12}})
    with pytest.raises(ValueError, match=r"train\.start\.cell = '000000000000' is pending in this store"):
        given_weights(cell.train.start, store.cell("0" * 12))


def test_weights_that_do_not_fit_are_refused_with_a_list_of_what_differs(make_cell: MakeCell, tmp_path: Path) -> None:
    start = written(make_cell(), tmp_path / "weights.safetensors")
    other = make_cell(train={"start": start}, model={"width": 6, "latent_norm": "none"})
    with pytest.raises(ValueError, match=r"holds no weights of this codec \(train\.start\):\n  ") as refused:
        started(other)
    said = str(refused.value)
    assert "is not in this codec" in said
    assert "more" in said


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_file_that_holds_no_weights_is_refused_with_a_sentence(
    make_cell: MakeCell, tmp_path: Path, name: str
) -> None:
    for content, said in ((b"", "cannot be read as weights"), (b"no weights" * 99, "cannot be read as weights")):
        (tmp_path / name).write_bytes(content)
        start = {"file": str(tmp_path / name), "sha256": hashlib.sha256(content).hexdigest()}
        with pytest.raises(ValueError, match=said):
            given_weights(make_cell(train={"start": start}).train.start, None)
    torch.save({"codec": {"a": 1}}, tmp_path / "numbers.pt")
    content = (tmp_path / "numbers.pt").read_bytes()
    start = {"file": str(tmp_path / "numbers.pt"), "sha256": hashlib.sha256(content).hexdigest()}
    with pytest.raises(ValueError, match="holds other things than tensors by name"):
        given_weights(make_cell(train={"start": start}).train.start, None)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"start": {"file": "a.pt"}}, "sha256 is missing"),
        ({"start": {"sha256": "0" * 64}}, "file is missing"),
        ({"start": {"cell": "0" * 12, "file": "a.pt", "sha256": "0" * 64}}, "and not both"),
        ({"start": {"cell": "0" * 12}, "warmup_steps": 3}, r"train\.warmup_steps = 3 would train"),
        ({"start": {"cell": "hinge"}}, "should match pattern"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(make_cell: MakeCell, train: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_cell(train=train)


GRID = """
schema = 1
name = "started"
[base]
preset = "tiny"
train.warmup_steps = 0
train.start = {{ file = "weights.pt", sha256 = "{sha256}" }}
"""


def test_a_file_is_found_beside_the_grid_and_checked_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"anything")
    sha256, grid = hashlib.sha256(b"anything").hexdigest(), tmp_path / "grid.toml"
    grid.write_text(GRID.format(sha256=sha256))
    (point,) = plan(read_grid(grid)).points
    assert point.cell["train"]["start"]["file"] == str(tmp_path / "weights.pt")
    grid.write_text(GRID.format(sha256="1" * 64))
    with pytest.raises(ValueError, match=f"has the sha256 {sha256}, and train.start.sha256 is 1111"):
        plan(read_grid(grid))
    (tmp_path / "weights.pt").unlink()
    with pytest.raises(ValueError, match="there is no file"):
        plan(read_grid(grid))
