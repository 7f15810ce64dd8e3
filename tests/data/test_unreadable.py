"""Images that cannot be read: one that is to be skipped is named, and the others go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.config import Data
from ablate.data import Images, prepare, prepare_folder, resolve, stat_fingerprint
from ablate.sources import files
from ablate.sources.protocol import UnreadableError

WriteImage = Callable[..., Path]
pytestmark = pytest.mark.timeout(20)


@pytest.fixture
def folder(tmp_path: Path, write_image: WriteImage) -> Path:
    for n in range(3):
        write_image(tmp_path / f"train/{n}.png", seed=n)
    write_image(tmp_path / "test/0.png", seed=10)
    os.mkfifo(tmp_path / "train/pipe.png")
    (tmp_path / "train/link.png").symlink_to("nowhere.png")
    return tmp_path


def settings(**more: object) -> Data:
    return Data.model_validate({"source": "folder", "train": "train", "test": "test", "crop": 32, **more})


REASONS = {
    "link.png": "it is a link to nowhere.png, which is not there",
    "pipe.png": "it is a named pipe; a regular file is expected",
}


def test_they_are_all_named_where_none_is_to_be_skipped(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"2 of 5 images of .*train cannot be used; on_bad_image = ") as caught:
        resolve(settings(), folder)
    assert all(f"  {name}: {reason}" in str(caught.value) for name, reason in REASONS.items())


def test_those_of_every_split_are_named_at_once(folder: Path) -> None:
    (folder / "test" / "lost.png").symlink_to("nowhere.png")
    with pytest.raises(ValueError, match="train cannot be used") as caught:
        resolve(settings(), folder)
    assert all(name in str(caught.value) for name in (*REASONS, "  lost.png: it is a link to nowhere.png"))
    assert str(caught.value).endswith("the others were not decoded yet, which may show more")


def test_the_others_go_on_where_they_are_to_be_skipped(folder: Path) -> None:
    data = resolve(settings(on_bad_image="skip"), folder)
    images = prepare(data, "train", folder / "cache")
    assert images.names == ("0.png", "1.png", "2.png")
    assert dict(images.skipped) == REASONS


def test_a_set_is_another_once_a_file_can_be_read(folder: Path, write_image: WriteImage) -> None:
    before, stamp = resolve(settings(on_bad_image="skip"), folder), stat_fingerprint(settings(), folder)
    write_image(folder / "train/nowhere.png", seed=5).rename(folder / "train/nowhere.png")
    (folder / "train/link.png").unlink()
    (folder / "train/nowhere.png").rename(folder / "train/link.png")
    after = resolve(settings(on_bad_image="skip"), folder)
    assert after.train_digest != before.train_digest
    assert stat_fingerprint(settings(), folder) != stamp
    assert prepare(after, "train", folder / "cache").names == ("0.png", "1.png", "2.png", "link.png")


def test_one_folder_is_split_without_them(folder: Path) -> None:
    whole = Data(source="folder", path=str(folder), crop=32, on_bad_image="skip", test_fraction=0.5)
    data = resolve(whole, folder)
    splits = [prepare(data, split, folder / "cache") for split in ("train", "test")]
    assert sum(len(images) for images in splits) == 4
    assert [name for images in splits for name, _ in images.skipped] == ["train/link.png", "train/pipe.png"]


def test_too_few_that_can_be_read_are_an_error_that_says_why(tmp_path: Path, write_image: WriteImage) -> None:
    write_image(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"1 different images can be read; .*b\.png: it is a named pipe"):
        resolve(Data(source="folder", path=str(tmp_path), on_bad_image="skip"), tmp_path)


def all_but_the_first(folder: Path, monkeypatch: pytest.MonkeyPatch, skip: bool = True) -> Images:
    """Prepares a folder whose first image vanishes once it is hashed."""
    read = files.read_file

    def vanished(path: Path) -> bytes:
        if path.name == "0.png":
            raise UnreadableError("it is not there any more")
        return read(path)

    monkeypatch.setattr(files, "read_file", vanished)
    return prepare_folder(folder / "train", folder / "cache", skip=skip)


def test_one_that_vanishes_after_it_was_hashed_is_its_own_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = all_but_the_first(folder, monkeypatch)
    assert images.names == ("1.png", "2.png")
    assert dict(images.skipped) == {"0.png": "it is not there any more", **REASONS}
    with pytest.raises(ValueError, match=r"3 of 5 images of .* cannot be used"):
        all_but_the_first(folder, monkeypatch, skip=False)


def test_one_that_vanishes_from_a_planned_set_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = resolve(settings(on_bad_image="skip"), folder)
    monkeypatch.setattr(files, "read_file", lambda _: (_ for _ in ()).throw(UnreadableError("it may not be read")))
    with pytest.raises(ValueError, match=r"train/0\.png: it may not be read"):
        prepare(data, "train", folder / "cache")
