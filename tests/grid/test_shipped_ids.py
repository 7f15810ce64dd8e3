"""Ids of all cells that the shipped grids mean are those of the committed list: what was trained is found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablate.config import Data
from ablate.data import resolve
from ablate.grid import read_grid

ROOT = Path(__file__).parents[2]
LISTED: dict[str, list[str]] = json.loads(Path(__file__).with_name("shipped_ids.json").read_text())
"""Ids by grid, in the order of its cells. A change that keeps results adds to this file and alters nothing in it; one
that changes them raises RESULTS_VERSION. Cells of a folder are without its images, which the user brings."""


@pytest.fixture(scope="module")
def photographs() -> dict[str, Data]:
    """Settings of the photographs that ship, by what was not resolved yet."""
    return {}


def test_every_shipped_grid_is_listed() -> None:
    assert set(LISTED) == {path.stem for path in (ROOT / "grids").glob("*.toml")}


@pytest.mark.parametrize("name", LISTED)
def test_the_ids_of_a_shipped_grid_are_those_that_are_listed(name: str, photographs: dict[str, Data]) -> None:
    ids = []
    for point in read_grid(ROOT / "grids" / f"{name}.toml").points():
        data = point.cell.data
        key = data.model_dump_json()
        if data.source == "photos" and key not in photographs:
            photographs[key] = resolve(data, ROOT)
        ids.append(point.cell.model_copy(update={"data": photographs.get(key, data)}).id)
    assert ids == LISTED[name]
