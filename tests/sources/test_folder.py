from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.sources.folder import Folder, hold_back, list_folder, split_by_content
from ablate.sources.protocol import SourceImage
from tests.images import fabricated

WriteImage = Callable[..., Path]


def files(*hashes: str) -> list[SourceImage]:
    return [fabricated(f"{n}.png", sha256 * 32, place=f"/p/{n}.png") for n, sha256 in enumerate(hashes)]


def test_images_are_found_recursively_and_sorted_by_name(tmp_path: Path, write_image: WriteImage) -> None:
    for name in ("b.JPG", "a/z.tiff", "a/b/c.webp", "B.png", ".hidden/x.png", "._b.jpg.png"):
        write_image(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    assert [name for name, _ in list_folder(tmp_path)] == ["B.png", "a/b/c.webp", "a/z.tiff", "b.JPG"]


def test_a_missing_and_an_empty_directory_are_errors_that_name_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere is not there; a directory is expected"):
        list_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no image; looked for \.jpeg, \.jpg, \.png"):
        list_folder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"is a file; a directory is expected"):
        list_folder(tmp_path / "file")


def test_the_split_does_not_depend_on_order_or_names() -> None:
    hashes = [f"{n:02x}" for n in range(0, 256, 5)]
    train, test = split_by_content(files(*hashes), 0.3)
    turned_train, turned_test = split_by_content(files(*reversed(hashes)), 0.3)
    assert {file.sha256 for file in test} == {file.sha256 for file in turned_test}
    assert {file.sha256 for file in train} == {file.sha256 for file in turned_train}
    assert len(test) == 16  # 00, 05, ... 4b are below 0.3 * 256 = 76.8


def test_an_image_stays_on_its_side_when_others_are_added() -> None:
    _, few = split_by_content(files("10", "40", "90", "f0"), 0.3)
    _, many = split_by_content(files("10", "20", "40", "50", "90", "b0", "f0"), 0.3)
    assert {file.sha256 for file in few} <= {file.sha256 for file in many}


@pytest.mark.parametrize("hashes", [("01", "02"), ("fe", "ff"), ("fd", "fe", "ff")])
@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_both_sides_hold_an_image(hashes: tuple[str, ...], fraction: float) -> None:
    train, test = split_by_content(files(*hashes), fraction)
    assert train
    assert test


def test_copies_of_an_image_are_on_one_side() -> None:
    train, test = split_by_content(files("10", "90", "10", "90", "10"), 0.3)
    assert [file.name for file in train] == ["1.png", "3.png"]
    assert [file.name for file in test] == ["0.png", "2.png", "4.png"]


def test_images_for_validation_are_taken_from_the_other_end_of_the_hashes() -> None:
    images = files("10", "40", "90", "c0", "f0", "f0")
    train, test = split_by_content(images, 0.3)
    left, validation = hold_back(train, 0.2)
    assert [file.name for file in test] == ["0.png", "1.png"]
    assert [file.name for file in validation] == ["4.png", "5.png"]
    assert [file.name for file in left] == ["2.png", "3.png"]


@pytest.mark.parametrize(("tested", "held_back", "counts"), [(0.5, 0.5, (64, 64, 128)), (0.25, 0.25, (144, 48, 64))])
def test_a_fraction_for_validation_is_of_those_that_would_be_trained_on(
    monkeypatch: pytest.MonkeyPatch, tested: float, held_back: float, counts: tuple[int, ...]
) -> None:
    images = tuple(files(*(f"{n:02x}" for n in range(256))))
    monkeypatch.setattr(Folder, "_below", lambda *_: images)
    found = Folder(("photos",), tested, "keep", None, held_back).images()
    assert tuple(len(found[split]) for split in ("train", "validation", "test")) == counts


def test_one_image_alone_cannot_be_split() -> None:
    with pytest.raises(ValueError, match=r"0\.png is the only image; two different ones"):
        hold_back(files("10"), 0.5)


def test_copies_of_one_image_alone_cannot_be_split() -> None:
    with pytest.raises(ValueError, match=r"0\.png is the only image, in 2 copies"):
        split_by_content(files("10", "10"), 0.5)


def test_a_name_that_is_no_utf8_can_be_written_into_a_table(tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    place.touch()
    ((name, path),) = list_folder(tmp_path)
    assert name.encode() == rb"caf\xe9.jpg"
    assert path == place
