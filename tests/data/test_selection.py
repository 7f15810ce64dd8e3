from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.config import Cell, Data
from ablate.data import prepare, resolve, stat_fingerprint
from ablate.data.selection import require_disjoint, select
from ablate.sources.digest import digest
from tests.images import fabricated

WriteImage = Callable[..., Path]


@pytest.fixture
def two_folders(tmp_path: Path, write_image: WriteImage) -> Path:
    for n in range(3):
        write_image(tmp_path / f"train/{n}.png", seed=n)
        write_image(tmp_path / f"test/{n}.png", seed=10 + n)
    return tmp_path


def folders(**settings: object) -> Data:
    return Data.model_validate({"source": "folder", "train": "train", "test": "test", **settings})


def test_relative_paths_begin_at_the_given_directory(two_folders: Path) -> None:
    data = resolve(folders(), two_folders)
    assert data.train == str(two_folders / "train")
    assert data.test == str(two_folders / "test")
    assert resolve(folders(train=data.train), two_folders / "elsewhere/..") == data


def test_the_digests_do_not_change_when_the_folder_moves(two_folders: Path) -> None:
    before = resolve(folders(), two_folders)
    (two_folders / "train").rename(two_folders / "moved")
    after = resolve(folders(train="moved"), two_folders)
    assert after.train_digest == before.train_digest
    assert after.train_digest != after.test_digest


def test_a_digest_given_in_the_settings_is_a_promise(two_folders: Path) -> None:
    digest = resolve(folders(), two_folders).train_digest
    assert resolve(folders(train_digest=digest), two_folders).train_digest == digest
    with pytest.raises(ValueError, match=f"data.train_digest is cafe, but .* have the digest {digest}"):
        resolve(folders(train_digest="cafe"), two_folders)


def test_one_path_is_split_into_disjoint_sides(two_folders: Path) -> None:
    data = Data(source="folder", path=str(two_folders), test_fraction=0.5)
    sides = select(data)
    names = [file.name for files in sides.values() for file in files]
    assert len(names) == len(set(names)) == 6
    assert resolve(data, two_folders).test_digest != resolve(data, two_folders).train_digest


def test_another_fraction_gives_another_split(two_folders: Path) -> None:
    few, many = (Data(source="folder", path=str(two_folders), test_fraction=fraction) for fraction in (0.01, 0.99))
    assert len(select(few)["test"]) == 1
    assert len(select(many)["test"]) == 5


def test_an_image_copied_from_train_to_test_is_refused(two_folders: Path) -> None:
    (two_folders / "test/copy.png").write_bytes((two_folders / "train/1.png").read_bytes())
    with pytest.raises(ValueError, match=r"train/1\.png \(train\) and .*test/copy\.png \(test\) are the same image"):
        resolve(folders(), two_folders)


def test_a_directory_of_images_for_validation_is_a_split_that_no_training_depends_on(
    two_folders: Path, write_image: WriteImage
) -> None:
    write_image(two_folders / "chosen/0.png", seed=20)
    without, beside = resolve(folders(), two_folders), resolve(folders(validation="chosen"), two_folders)
    assert beside.validation == str(two_folders / "chosen")
    assert without.validation_digest is None
    assert beside.validation_digest == digest(select(beside)["validation"])
    assert Cell(data=beside).id == Cell(data=without).id
    before = stat_fingerprint(folders(validation="chosen"), two_folders)
    os.utime(two_folders / "chosen/0.png", (1, 1))
    assert stat_fingerprint(folders(validation="chosen"), two_folders) != before


@pytest.mark.parametrize("place", [{"train": "train", "test": "test"}, {"path": "."}])
def test_a_fraction_for_validation_is_taken_from_the_training_images_and_from_no_test(
    two_folders: Path, place: dict[str, str]
) -> None:
    def data(**settings: object) -> Data:
        return resolve(Data.model_validate({"source": "folder", **place, **settings}), two_folders)

    whole, held = data(), data(validation_fraction=0.3)
    assert held.test_digest == whole.test_digest
    assert held.train_digest != whole.train_digest
    assert Cell(data=held).id != Cell(data=whole).id
    trained, left, validated = select(whole)["train"], select(held)["train"], select(held)["validation"]
    assert validated
    assert {image.name for image in (*left, *validated)} == {image.name for image in trained}
    images = prepare(held.model_copy(update={"crop": 32}), "validation", two_folders / "cache")
    assert sorted(images.names) == sorted(image.name for image in validated)


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_image_for_validation_that_is_trained_or_tested_on_is_refused(two_folders: Path, split: str) -> None:
    (two_folders / "chosen").mkdir()
    (two_folders / "chosen/copy.png").write_bytes((two_folders / split / "1.png").read_bytes())
    said = r"chosen/copy\.png \(validation\)"
    both = {"train": rf"train/1\.png \(train\) and .*{said}", "test": rf"{said} and .*test/1\.png \(test\)"}
    with pytest.raises(ValueError, match=both[split] + " are the same image"):
        resolve(folders(validation="chosen"), two_folders)


def test_there_is_one_way_to_name_images_for_validation_and_a_source_that_takes_it() -> None:
    with pytest.raises(ValueError, match=r"validation is a directory and validation_fraction a part .*give one"):
        folders(validation="a", validation_fraction=0.1)
    with pytest.raises(ValueError, match='validation belong to source = "folder"; source is "photos"'):
        Data(validation="a")


def test_an_image_in_train_and_test_is_an_error_that_names_both() -> None:
    train = [fabricated(f"{n}.png", sha256 * 32, f"/p/{n}.png") for n, sha256 in enumerate(("aa", "bb"))]
    test = [fabricated(f"{n}.png", sha256 * 32, f"/p/{n}.png") for n, sha256 in enumerate(("bb", "cc"))]
    with pytest.raises(ValueError, match=r"/p/1\.png \(train\) and /p/0\.png \(test\) are the same image"):
        require_disjoint(train, test)


def test_the_stat_fingerprint_changes_with_a_files_name_size_or_time(two_folders: Path) -> None:
    seen = {stat_fingerprint(folders(), two_folders)}
    assert stat_fingerprint(folders(), two_folders) in seen
    os.utime(two_folders / "train/0.png", (1, 1))
    seen.add(stat_fingerprint(folders(), two_folders))
    with (two_folders / "train/0.png").open("ab") as file:
        file.write(b"more")
    os.utime(two_folders / "train/0.png", (1, 1))
    seen.add(stat_fingerprint(folders(), two_folders))
    (two_folders / "train/0.png").rename(two_folders / "train/9.png")
    seen.add(stat_fingerprint(folders(), two_folders))
    (two_folders / "test/0.png").unlink()
    seen.add(stat_fingerprint(folders(), two_folders))
    assert len(seen) == 5


def test_the_shipped_photographs_have_a_stat_fingerprint_too(tmp_path: Path) -> None:
    assert stat_fingerprint(Data(), tmp_path) == stat_fingerprint(Data(), tmp_path / "elsewhere")


def test_resolving_does_not_import_torch() -> None:
    code = "import sys, pathlib, ablate.config, ablate.data as d; d.resolve(ablate.config.Data(), pathlib.Path('.')); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
