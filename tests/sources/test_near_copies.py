"""Near copies on the photographs that ship: found whatever was done to them, and never two different ones."""

from __future__ import annotations

import functools
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from ablate.config import Data, Evaluation
from ablate.data import resolve
from ablate.data.sets import resolve_sets
from ablate.sources.digest import hash_files
from ablate.sources.folder import list_folder
from ablate.sources.near_copies import find_near_copy
from ablate.sources.photos import photo_directory, photos
from ablate.sources.protocol import Decoded, SourceImage

Change = Callable[[Image.Image], Image.Image]


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue()))


def without(left: float, top: float, right: float, bottom: float) -> Change:
    """Cuts shares of the sides off."""

    def cut(image: Image.Image) -> Image.Image:
        width, height = image.size
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return image.crop(tuple(map(round, box)))  # type: ignore[arg-type]

    return cut


def brighter(by: int) -> Change:
    return lambda image: Image.fromarray(np.clip(np.asarray(image).astype(int) + by, 0, 255).astype(np.uint8))


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


COPIES: dict[str, Change] = {
    "JPEG at quality 30": lambda image: as_jpeg(image, 30),
    "half the size": half,
    "a twentieth cut off around": without(0.025, 0.025, 0.025, 0.025),
    "a twentieth cut off at a corner": without(0.0, 0.0, 0.05, 0.05),
    "a tenth cut off at the top": without(0.0, 0.1, 0.0, 0.0),
    "brighter by 30 levels": brighter(30),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "grey": lambda image: image.convert("L"),
    "all at once": lambda image: as_jpeg(half(without(0.03, 0.03, 0.02, 0.02)(brighter(20)(image))), 30),
}
SHIPPED = ("rocket", "chelsea", "coffee", "motorcycle_left")


@functools.cache
def photograph(name: str) -> Image.Image:
    """Returns a photograph of which half the size is enough here."""
    return half(Image.open(next(photo_directory().glob(f"{name}.*"))).convert("RGB"))


def source_image(name: str, image: Image.Image) -> SourceImage:
    pixels = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    return SourceImage(name, name, lambda: Decoded(pixels))


@pytest.mark.parametrize("change", COPIES)
def test_a_copy_is_found_and_both_are_named(change: str) -> None:
    known = [source_image(name, photograph(name)) for name in SHIPPED]
    for name in SHIPPED:
        copy = source_image(f"copy of {name}", COPIES[change](photograph(name)))
        for sets in ({"train": known, "test": [copy]}, {"train": [copy], "test": known}):
            found = find_near_copy(sets, [("train", "test")])
            assert found is not None, name
            assert {image.name for image in found.images} == {name, copy.name}


def test_no_two_photographs_that_ship_are_near_copies_even_two_views_of_one_scene() -> None:
    whole = [image for images in photos().images().values() for image in images]
    sets = {image.name: [image] for image in whole}
    assert find_near_copy(sets, itertools.combinations(sets, 2)) is None


def test_images_without_structure_and_of_noise_are_no_near_copies() -> None:
    random = np.random.default_rng(0)
    flat = [Image.new("RGB", (48, 40), (level, level, level)) for level in (0, 80, 160)]
    noise = [Image.fromarray(random.integers(0, 256, (40, 48, 3), dtype=np.uint8)) for _ in range(30)]
    drawn = [source_image(str(number), image) for number, image in enumerate([*flat, *noise])]
    sets = {"train": drawn[::2], "test": drawn[1::2]}
    assert find_near_copy(sets, [("train", "test")]) is None


def test_hashes_are_remembered_so_that_no_image_is_read_twice(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("rocket", "coffee"):
        photograph(name).save(tmp_path / f"images/{name}.png")
    images = hash_files(list_folder(tmp_path / "images"))
    sets = {"train": images[:1], "test": images[1:]}
    assert find_near_copy(sets, [("train", "test")], tmp_path) is None
    unread = {
        name: [SourceImage(each.name, each.sha256, lambda: pytest.fail("read again")) for each in group]
        for name, group in sets.items()
    }
    assert find_near_copy(unread, [("train", "test")], tmp_path) is None
    cache = tmp_path / "fingerprints.json"
    cache.write_text(json.dumps({images[0].sha256: "abc"}))
    with pytest.raises(ValueError, match=r"fingerprints\.json is damaged .*; delete it, it is only a cache"):
        find_near_copy(sets, [("train", "test")], tmp_path)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    placed = {"train": ("astronaut", "ihc"), "chosen": ("rocket",), "test": ("coffee",), "more": ("chelsea",)}
    for folder, names in placed.items():
        (tmp_path / folder).mkdir()
        for name in names:
            photograph(name).save(tmp_path / folder / f"{name}.png")
    return tmp_path


def planned(directory: Path) -> None:
    data = Data(source="folder", train="train", test="test", validation="chosen")
    sets = Evaluation(sets={"more": "more"})
    resolve_sets(sets, resolve(data, directory, directory), directory, directory)


@pytest.mark.parametrize(
    ("name", "into", "said"),
    [
        ("ihc", "test", r"train/ihc\.png \(train\) and .*test/copy\.jpg \(test\)"),
        ("ihc", "chosen", r"train/ihc\.png \(train\) and .*chosen/copy\.jpg \(validation\)"),
        ("rocket", "test", r"chosen/rocket\.png \(validation\) and .*test/copy\.jpg \(test\)"),
        ("ihc", "more", r"train/ihc\.png \(train\) and .*more/copy\.jpg \(more\)"),
        ("rocket", "more", r"chosen/rocket\.png \(validation\) and .*more/copy\.jpg \(more\)"),
    ],
)
def test_a_near_copy_is_refused_wherever_it_would_be_measured(folders: Path, name: str, into: str, said: str) -> None:
    planned(folders)
    half(photograph(name)).save(folders / into / "copy.jpg", quality=60)
    with pytest.raises(ValueError, match=said + " are near copies: .* leave one of them out"):
        planned(folders)


def test_a_set_may_hold_worse_copies_of_the_test_images(folders: Path) -> None:
    half(photograph("coffee")).save(folders / "more/copy.jpg", quality=30)
    planned(folders)
