from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablate.config import Data
from ablate.data import prepare, resolve
from ablate.sources import photos as photos_module
from ablate.sources.photos import SHA256, photos


def test_the_photographs_are_those_the_results_were_made_with() -> None:
    images = photos().images()
    assert [image.name for image in images["test"]] == ["chelsea", "coffee"]
    assert len(images["train"]) == 7
    data = resolve(Data(), Path())
    assert data.train_digest == "e7a200022624b44ffb91fc0f63f4705894168d6a3b4c88f251f463c6a241fea4"
    assert data.test_digest == "67770e4ffddc7e06375111cabae6741c0717bbfdd002a4ce353d554c26f44f70"


def test_no_photograph_is_on_both_sides_and_both_views_of_the_motorcycle_are_on_one() -> None:
    assert not set(SHA256["train"].values()) & set(SHA256["test"].values())
    assert {"motorcycle_left.png", "motorcycle_right.png"} <= set(SHA256["train"])


def test_photographs_are_held_back_for_validation_where_that_is_asked_for() -> None:
    whole, held = photos().images(), photos(validation_fraction=0.25).images()
    assert "validation" not in whole
    assert [image.name for image in held["validation"]] == ["astronaut", "rocket"]
    assert {image.name for image in (*held["train"], *held["validation"])} == {image.name for image in whole["train"]}
    assert len(held["train"]) == 5
    assert held["test"] == whole["test"]
    assert len(photos(validation_fraction=0.01).images()["validation"]) == 1
    assert len(photos(validation_fraction=4 / 7).images()["validation"]) == 4
    with pytest.raises(ValueError, match=r"a validation_fraction of 0\.571 at most, not 0\.6"):
        photos(validation_fraction=0.6)


def test_photographs_decode_to_their_known_sizes_and_colours(tmp_path: Path) -> None:
    images = prepare(resolve(Data(), Path()), "test", tmp_path)
    assert [image.shape for image in images] == [(3, 300, 451), (3, 400, 600)]
    np.testing.assert_allclose(images[0].mean(axis=(1, 2)), [147.67, 111.44, 86.79], atol=0.01)


def test_an_altered_photograph_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in map(Path, [image.place for split in photos().images().values() for image in split]):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "coffee.png").write_bytes(b"tea")
    monkeypatch.setattr(photos_module, "photo_directory", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"coffee\.png has the sha256 .*cc02f8ca.* is expected"):
        photos().images()


def test_absent_photographs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHA256["train"]:
        (tmp_path / name).symlink_to(photos_module.photo_directory() / name)
    monkeypatch.setattr(photos_module, "photo_directory", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"lacks the photographs chelsea\.png, coffee\.png"):
        photos().images()
