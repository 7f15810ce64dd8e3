"""A source that is defined here goes the way of those that ship: grid file, plan, training, measurement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ablate.config import Cell
from ablate.data import prepare
from ablate.execute.cell import run_cell
from ablate.execute.planning import load_plan
from ablate.grid import GridError
from ablate.records import Environment, PlannedCell
from ablate.sources.catalogue import data_sources
from ablate.sources.protocol import Decoded, SourceImage, Split
from ablate.store import Store

SIDE = 48


@dataclass(frozen=True)
class Waves:
    count: int
    frequency: float

    def stamp(self) -> Any:
        return [self.count, self.frequency]

    def images(self, cache: Path | None) -> Mapping[Split, tuple[SourceImage, ...]]:  # noqa: ARG002
        made = [self.image(number) for number in range(self.count)]
        return {"train": tuple(made[1:]), "test": tuple(made[:1])}

    def image(self, number: int) -> SourceImage:
        sha256 = hashlib.sha256(f"wave {number} {self.frequency}".encode()).hexdigest()
        return SourceImage(f"wave {number}", sha256, lambda: Decoded(draw(number, self.frequency)))


def draw(number: int, frequency: float) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    return np.stack([127 + 120 * np.sin(frequency * (y + number * x + band)) for band in range(3)]).astype(np.uint8)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Registers the source for one test: all that a user writes beside the class."""
    list(data_sources)  # those that ship
    monkeypatch.setattr(data_sources, "_entries", dict(data_sources._entries))

    @data_sources.register(source="drawn")
    def waves(*, count: int, frequency: float = 9.0) -> Waves:
        if count < 2:
            raise ValueError(f"{count} waves are too few to split")
        return Waves(count, frequency)

    return


GRID = """
schema = 1
name = "waves"
[base]
preset = "tiny"
train.steps = 2
train.warmup_steps = 0
data.source = "waves"
data.crop = 32
data.batch_size = 2
data.options = { count = 3 }
"""


def planned(directory: Path, text: str = GRID) -> PlannedCell:
    path = directory / "grid.toml"
    path.write_text(text)
    (point,) = load_plan(path, directory / "runs").points
    return point


def test_a_grid_with_it_is_planned_trained_and_measured(tmp_path: Path) -> None:
    cell = Cell.model_validate(dict(planned(tmp_path).cell))
    store = Store(tmp_path / "runs", "waves")
    entry = store.cell(cell.id)
    entry.begin_attempt(Environment(device="cpu"))
    outcome = run_cell(
        cell, entry, warmup=None, data_cache=store.data_cache, device="cpu", attempt=1, stop=lambda: False
    )
    assert outcome.status == "done"
    result = json.loads((entry.path / "result.json").read_text())
    assert result["metrics"]["ema"]["psnr"] > 0
    assert "wave 0" in entry.images_csv.read_text()


def test_its_pixels_are_those_that_it_reads(tmp_path: Path) -> None:
    data = Cell.model_validate(dict(planned(tmp_path).cell)).data
    images = prepare(data, "train", tmp_path / "cache")
    assert images.names == ("wave 1", "wave 2")
    np.testing.assert_array_equal(images[1], draw(2, 9.0))


def test_an_option_changes_the_images_and_the_cell_and_its_default_need_not_be_written(tmp_path: Path) -> None:
    first = planned(tmp_path)
    other = planned(tmp_path, GRID.replace("count = 3", "count = 3, frequency = 4"))
    same = planned(tmp_path, GRID.replace("count = 3", "count = 3, frequency = 9.0"))
    assert same.id == first.id != other.id
    assert first.cell["data"]["train_digest"] != other.cell["data"]["train_digest"]
    assert first.cell["data"]["options"] == {"count": 3, "frequency": 9.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{ count = 3, phase = 1 }", r"unknown option of waves 'phase' \(there is: count, frequency\)"),
        ("{}", r"waves needs the option 'count'"),
        ("{ count = 1 }", r"1 waves are too few to split"),
    ],
)
def test_options_that_it_does_not_take_are_mistakes_of_the_grid_file(
    tmp_path: Path, options: str, message: str
) -> None:
    with pytest.raises(GridError, match=message):
        planned(tmp_path, GRID.replace("{ count = 3 }", options))


def test_a_setting_that_it_does_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r'validation belong to source = "folder"; source is "waves"'):
        planned(tmp_path, GRID + 'data.path = "here"\n')


def test_a_fraction_for_validation_needs_a_source_that_holds_one_back(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r'source = "waves" holds no part of its images back: no validation_fraction'):
        planned(tmp_path, GRID + "data.validation_fraction = 0.5\n")


def test_colour_profiles_are_nothing_that_a_source_without_files_could_convert(tmp_path: Path) -> None:
    with pytest.raises(
        GridError, match=r'source = "waves" reads no files, of which colour_profiles could be converted'
    ):
        planned(tmp_path, GRID + 'data.colour_profiles = "convert"\n')


def test_an_unknown_source_is_a_mistake_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        GridError, match=r"unknown data source 'wave' \(there is: photos, folder, waves\); did you mean 'waves'"
    ):
        planned(tmp_path, GRID.replace('"waves"\ndata.crop', '"wave"\ndata.crop'))


def test_what_is_read_in_another_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Cell.model_validate(dict(planned(tmp_path).cell)).data
    monkeypatch.setattr(
        Waves, "image", lambda _, n: SourceImage(f"{n}", f"{n}", lambda: Decoded(np.zeros((SIDE, SIDE, 3))))
    )
    renewed = data.model_copy(update={"train_digest": None, "test_digest": None})
    from ablate.data import resolve

    with pytest.raises(ValueError, match=r"1 is read as float64 \(48, 48, 3\); uint8 \(3, height, width\) is expected"):
        prepare(resolve(renewed, tmp_path), "train", tmp_path / "cache")
