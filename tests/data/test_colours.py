"""Colour profiles and remarks of a data set: what is said of them once, and what is done where the settings ask."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from ablate.config import Cell, Data
from ablate.data import prepare, prepare_folder, resolve
from ablate.settings import content_sha256, identity
from ablate.sources.decode import VERSION

WriteImage = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, write_image: WriteImage) -> Path:
    """A training set of three images: as they are, in Adobe RGB, and without an end marker."""
    with Image.open(f"{skimage.__path__[0]}/data/rocket.jpg") as rocket:
        profile = rocket.info["icc_profile"]
    plain = write_image(tmp_path / "train/plain.png")
    with Image.open(plain) as image:
        image.save(tmp_path / "train/adobe.png", icc_profile=profile)
        image.save(tmp_path / "train/cut.jpg")
    cut = tmp_path / "train/cut.jpg"
    cut.write_bytes(cut.read_bytes()[:-2])
    write_image(tmp_path / "test/0.png", seed=10)
    return tmp_path


def resolved(folder: Path, **more: object) -> Data:
    settings = {"source": "folder", "train": "train", "test": "test", "crop": 32, **more}
    return resolve(Data.model_validate(settings), folder)


def test_what_is_to_be_said_of_a_set_is_said_by_what_is_alike(folder: Path) -> None:
    images = prepare(resolved(folder), "train", folder / "cache")
    assert images.notes == [
        "the colour profile is Adobe RGB (1998), taken as if it were sRGB (adobe.png)",
        "the end marker is missing; the image is whole (cut.jpg)",
    ]
    assert images.colours == {"kept": {"Adobe RGB (1998)": 1}}
    assert prepare(resolved(folder), "test", folder / "cache").notes == []
    assert prepare(resolved(folder), "test", folder / "cache").colours == {}


def test_many_names_are_counted(folder: Path) -> None:
    for number in range(12):
        shutil.copy(folder / "train/adobe.png", folder / f"train/adobe {number:02d}.png")
    (note, _) = prepare(resolved(folder), "train", folder / "cache").notes
    assert note.endswith("adobe 09.png and 3 more)")


def test_colours_are_converted_where_the_settings_say_so_and_the_cell_is_another(folder: Path) -> None:
    kept, converted = resolved(folder), resolved(folder, colour_profiles="convert")
    assert kept.train_digest == converted.train_digest
    assert content_sha256(identity(kept)) != content_sha256(identity(converted))
    before, after = (prepare(data, "train", folder / "cache") for data in (kept, converted))
    adobe, cut, plain = (before.names.index(name) for name in ("adobe.png", "cut.jpg", "plain.png"))
    np.testing.assert_array_equal(before[adobe], before[plain])
    assert abs(after[adobe].astype(int) - before[adobe]).max() > 20
    for unchanged in (cut, plain):
        np.testing.assert_array_equal(after[unchanged], before[unchanged])
    assert after.colours == {"converted": {"Adobe RGB (1998)": 1}}
    assert after.notes[0] == "the colour profile is Adobe RGB (1998), converted to sRGB (adobe.png)"
    assert after.identity != before.identity


def test_a_folder_without_settings_is_converted_where_its_cell_was_trained_so(folder: Path) -> None:
    kept, converted = (
        prepare_folder(folder / "train", folder / "cache", colour_profiles=each) for each in ("keep", "convert")
    )
    assert not np.array_equal(kept[0], converted[0])


def test_the_default_is_no_part_of_an_identity_and_old_ids_stay() -> None:
    assert resolve(Data(), Path()).train_digest == resolve(Data(colour_profiles="convert"), Path()).train_digest
    assert Cell().id != Cell(data=Data(colour_profiles="convert")).id


def as_version_0_1_left_it(folder: Path, data: Data) -> Path:
    """Moves the decoded training images to where version 0.1 had them, with its index."""
    prepare(data, "train", folder / "cache")
    (written,) = (folder / "cache").glob("*/index.json")
    index = json.loads(written.read_text())
    for key in ("profiles", "remarks", "colour_profiles", "sha256", "seal"):
        del index[key]
    written.write_text(json.dumps(index))
    key = content_sha256({"decoder": VERSION, "pictures": data.train_digest})[:12]
    return written.parent.rename(folder / "cache" / key)


def test_images_that_an_earlier_version_decoded_are_decoded_anew_by_the_rules_of_now(folder: Path) -> None:
    data = resolved(folder)
    as_version_0_1_left_it(folder, data)
    assert len(prepare(data, "train", folder / "cache").notes) == 2


def test_where_their_files_are_gone_they_are_still_found(folder: Path) -> None:
    data = resolved(folder)
    as_version_0_1_left_it(folder, data)
    shutil.rmtree(folder / "train")
    images = prepare(data, "train", folder / "cache")
    assert len(images) == 3
    assert images.notes == []
    converted = data.model_copy(update={"colour_profiles": "convert"})
    with pytest.raises(ValueError, match="train is not there"):
        prepare(converted, "train", folder / "cache")
