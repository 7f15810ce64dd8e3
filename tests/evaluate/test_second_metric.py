"""A metric from this file goes all the way: measured, recorded, declared in a grid, judged and shown."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ablate.analysis import read_study
from ablate.config import Cell
from ablate.data import prepare
from ablate.execute.cell import run_cell
from ablate.grid import GridError, read_grid
from ablate.metrics import metrics
from ablate.plugins import metric
from ablate.report.document import Table
from ablate.report.evidence import Evidence
from ablate.report.sections.results import results
from ablate.store import Entry, Store
from tests.fabricated_store import Fabrication, fabricate


@pytest.fixture(autouse=True)
def darkening() -> Iterator[None]:
    with metrics.temporarily():

        @metric(
            label="Darkening", unit="levels", direction="lower", decimals=3,
            formula="mean of original less reconstruction", source="this test",
        )  # fmt: skip
        def darkening(originals: torch.Tensor, reconstructions: torch.Tensor) -> torch.Tensor:
            return (originals.double() - reconstructions.double()).mean((1, 2, 3))

        yield


def test_an_evaluation_measures_it_on_every_image(make_cell, claimed, store: Store) -> None:
    cell: Cell = make_cell(train={"steps": 1})
    entry: Entry = claimed(cell)
    run_cell(cell, entry, warmup=None, data_cache=store.data_cache, device="cpu", attempt=1, stop=lambda: False)
    result = entry.result()
    images = prepare(cell.data, "test", store.data_cache)
    with entry.images_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for weights in ("raw", "ema"):
        expected = [
            float(image.mean() - _pixels(entry.recon(weights, name)).mean())
            for image, name in zip(images, images.names, strict=True)
        ]
        assert [float(row["darkening"]) for row in rows if row["weights"] == weights] == pytest.approx(expected)
        assert result.metrics[weights]["darkening"] == pytest.approx(sum(expected) / len(expected))
        assert result.uncertainty[weights]["darkening"].images == len(images)
    assert result.protocol["darkening"] == {"rounding": "uint8", "pictures": images.digest, "images": len(images)}


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_grid_may_declare_it(tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    text = 'schema = 1\nname = "g"\n[base]\npreset = "tiny"\n[compare]\nprimary = ["NAME"]\nmargin = { NAME = 0.5 }\n'
    grid.write_text(text.replace("NAME", "darkening"))
    compare = read_grid(grid).compare
    assert (compare.primary, compare.margin) == (("darkening",), {"darkening": 0.5})
    grid.write_text(text.replace("NAME", "darkning"))
    with pytest.raises(GridError, match="did you mean 'darkening'"):
        read_grid(grid)


def test_a_report_shows_it_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import fabricated_store

    measured = fabricated_store._measure

    def with_darkening(*given: object) -> dict:
        return {weights: scores | {"darkening": 1.25} for weights, scores in measured(*given).items()}

    monkeypatch.setattr(fabricated_store, "_measure", with_darkening)
    store = fabricate(tmp_path, Fabrication(axes={"loss.adversarial": ["lsgan", "hinge"]}, recon=False))
    section = results(Evidence(read_study(store), store))
    tables = [block for block in section.blocks if isinstance(block, Table)]
    columns = [column.title for column in tables[0].columns]
    assert "Darkening" in columns
    assert {row[columns.index("Darkening")].text.split(" ")[0] for row in tables[0].rows} == {"1.250"}
