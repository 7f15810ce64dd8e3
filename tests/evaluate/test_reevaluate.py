"""A finished cell measured on other images: the records of a training, and the same numbers on the same images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ablate.data import prepare_folder
from ablate.evaluate.reevaluate import place, reevaluate
from ablate.execute.cell import run_cell
from ablate.records import CellSettings, Environment
from ablate.store import Entry, Store
from tests.train.conftest import MakeCell


@pytest.fixture
def trained(make_cell: MakeCell, store: Store, claimed: Any) -> Entry:
    cell = make_cell(train={"steps": 3}, model={"noise": True, "noise_channels": 4})
    entry = claimed(cell)
    entry.write_settings(CellSettings(id=cell.id, cell=cell.model_dump(mode="json")))
    run_cell(cell, entry, warmup=None, data_cache=store.data_cache, device="cpu", attempt=1, stop=lambda: False)
    return entry


def measure(entry: Entry, folder: Path, records: Entry, cache: Path, weights: Any = ("raw", "ema")) -> dict[str, Any]:
    images = prepare_folder(folder, cache)
    around = {"cache": cache, "device": "cpu", "environment": Environment(device="cpu")}
    return reevaluate(entry, images, records, folder=folder, weights=weights, **around)


def test_on_the_grids_own_images_the_result_is_the_recorded_one(
    trained: Entry, images: Path, store: Store, tmp_path: Path
) -> None:
    records = Entry(tmp_path / "records")
    result = measure(trained, images / "test", records, store.data_cache)
    recorded = trained.result()
    assert recorded is not None
    for key in ("metrics", "protocol", "codec", "id", "step"):
        assert getattr(result, key) == getattr(recorded, key), key
    assert records.images_csv.read_bytes() == trained.images_csv.read_bytes()
    for name in ("ema", "raw"):
        assert records.recon(name, "test3.png").read_bytes() == trained.recon(name, "test3.png").read_bytes()
    assert result.artefacts.keys() == {name for name in recorded.artefacts if name.startswith(("eval/", "cell.json"))}
    assert all(recorded.artefacts[name] == digest for name, digest in result.artefacts.items())


def test_other_images_give_other_numbers_and_leave_the_cell_as_it_was(
    trained: Entry, images: Path, store: Store
) -> None:
    before = {path: path.read_bytes() for path in trained.path.rglob("*.*") if path.is_file()}
    found = prepare_folder(images / "train", store.data_cache)
    records = place(trained, images / "train", found)
    result = measure(trained, images / "train", records, store.data_cache, weights=("raw",))
    assert list(result.metrics) == ["raw"]
    assert result.metrics["raw"]["psnr"] != trained.result().metrics["raw"]["psnr"]
    assert result.measured_images.plain() == {
        "folder": str(images / "train"), "digest": found.digest, "count": 2, "skipped": [],
    }  # fmt: skip
    assert records.path.parent.parent == trained.path
    assert before.items() <= {path: path.read_bytes() for path in trained.path.rglob("*.*") if path.is_file()}.items()


def test_a_cells_own_result_is_never_replaced(trained: Entry, images: Path, store: Store) -> None:
    before = (trained.path / "result.json").read_bytes()
    with pytest.raises(ValueError, match="a cell's own result, which nothing may replace"):
        measure(trained, images / "train", dataclasses.replace(trained), store.data_cache)
    assert (trained.path / "result.json").read_bytes() == before
