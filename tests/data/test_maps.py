"""Images with label maps: decoded beside them, cropped alike, in the identity, and refused where they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from ablate.config import Cell, Data
from ablate.data import prepare, resolve, stat_fingerprint
from ablate.data.crops import crops
from ablate.data.images import Images
from ablate.sources.segmentation import segment

WriteImage = Callable[..., Path]


@pytest.fixture
def directory(tmp_path: Path, write_image: WriteImage) -> Path:
    """Images below images/, and maps below maps/ that hold the high bits of the red of each."""
    for split, seed in (("train", 1), ("train", 2), ("test", 3)):
        name = f"{split}/{seed}.png"
        image = np.asarray(Image.open(write_image(tmp_path / "images" / name, seed)))
        target = tmp_path / "maps" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0] >> 5).save(target)
    return tmp_path


def settings(**more: Any) -> Data:
    given = {"source": "folder", "train": "images/train", "test": "images/test", "crop": 16, "batch_size": 4}
    return Data.model_validate({**given, "maps": "maps", **more})


def prepared(directory: Path, split: Any = "train", **more: Any) -> Images:
    return prepare(resolve(settings(**more), directory), split, directory / "cache")


def test_a_map_is_that_of_its_image(directory: Path) -> None:
    for split in ("train", "test"):
        images = prepared(directory, split)
        assert images.maps is not None
        for image, found in zip(images, images.maps, strict=True):
            assert (found[0] == image[0] >> 5).all()


@pytest.mark.parametrize("flip", [True, False])
def test_crops_and_flips_are_those_of_the_image(directory: Path, flip: bool) -> None:
    images = prepared(directory)
    assert images.maps is not None
    how: dict[str, Any] = {"crop": 16, "batch_size": 4, "flip": flip, "seed": 0}
    for step in range(4):
        cut, labels = (crops(each, step=step, **how) for each in (images, images.maps))
        assert (labels[:, 0] == cut[:, 0] >> 5).all()


def test_maps_can_be_made_of_the_images(directory: Path) -> None:
    images = prepared(directory, maps="segmentation")
    assert images.maps is not None
    assert all((found == segment(image)).all() for image, found in zip(images, images.maps, strict=True))


def test_other_maps_make_another_identity_and_the_place_of_maps_none(directory: Path) -> None:
    def cell(maps: str | None = "maps") -> Cell:
        small = {"data": settings().model_dump(), "model": {"downsamplings": 2}, "discriminator": {"norm": "channel"}}
        data = resolve(settings(maps=maps), directory)
        return Cell.model_validate(small).model_copy(update={"data": data})

    before, fingerprint = cell().id, stat_fingerprint(settings(), directory)
    (directory / "maps").rename(directory / "elsewhere")
    assert cell("elsewhere").id == before
    assert cell(None).id != before
    (directory / "elsewhere").rename(directory / "maps")
    path = directory / "maps" / "train" / "1.png"
    Image.fromarray(np.asarray(Image.open(path)) + 1).save(path)
    assert cell().id != before
    assert stat_fingerprint(settings(), directory) != fingerprint


def test_maps_that_change_after_planning_are_refused(directory: Path) -> None:
    planned = resolve(settings(), directory)
    path = directory / "maps" / "train" / "1.png"
    Image.fromarray(np.asarray(Image.open(path)) + 1).save(path)
    with pytest.raises(ValueError, match="have changed since the grid was planned"):
        prepare(planned, "train", directory / "cache")


def test_a_map_of_another_size_is_refused(directory: Path) -> None:
    Image.new("L", (48, 41)).save(directory / "maps" / "train" / "1.png")
    with pytest.raises(ValueError, match=r"1\.png is 40x48 pixels, and its label map 41x48"):
        prepared(directory)


def test_a_map_that_is_no_label_image_is_refused(directory: Path) -> None:
    Image.new("RGB", (48, 40)).save(directory / "maps" / "train" / "1.png")
    with pytest.raises(ValueError, match=r"1\.png: its pixels are RGB"):
        prepared(directory)


def test_an_image_without_a_map_is_refused_before_anything_is_trained(directory: Path) -> None:
    (directory / "maps" / "test" / "3.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 1 images have no label map below .*maps: 3\.png"):
        resolve(settings(), directory)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": {"map_classes": 8}, "data": {}}, "model.map_classes asks for label maps: set data.maps"),
        ({"model": {"map_classes": 8}, "discriminator": {"map_classes": 9}}, "are of one map; set both to one number"),
        ({"discriminator": {"map_classes": 8, "kind": "features"}}, '"features" looks at no label map'),
        ({"discriminator": {"map_classes": 8}, "loss": {"penalties": ["cr"]}}, "loss.penalties has cr, which moves"),
        ({"discriminator": {"map_classes": 8, "augment": ["translation"]}}, "moves images and not the label maps"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Cell.model_validate({"data": {"maps": "segmentation"}, **changed})


def test_each_number_of_classes_makes_another_identity() -> None:
    def made(**sections: Any) -> str:
        return Cell.model_validate({"data": {"maps": "segmentation"}, **sections}).id

    generator, judge = {"model": {"map_classes": 8}}, {"discriminator": {"map_classes": 8}}
    assert len({made(), made(**generator), made(**judge), made(**generator, **judge)}) == 4
    assert made() == Cell().id
