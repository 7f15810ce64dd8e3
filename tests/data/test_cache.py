from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.config import Data
from ablate.data import cache as cache_module
from ablate.data import prepare, resolve
from ablate.sources import decode as decode_module

WriteImage = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, write_image: WriteImage) -> Path:
    for n in range(4):
        write_image(tmp_path / f"train/{n}.png", seed=n, height=40 + n, width=48)
    write_image(tmp_path / "test/a/0.png", seed=10)
    return tmp_path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def resolved(folder: Path, **settings: object) -> Data:
    data = {"source": "folder", "train": "train", "test": "test", "crop": 32, **settings}
    return resolve(Data.model_validate(data), folder)


def stored_pixels(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / name)).transpose(2, 0, 1)


def test_prepared_images_are_those_on_disk_in_the_order_of_their_names(folder: Path, cache: Path) -> None:
    data = resolved(folder)
    images = prepare(data, "train", cache)
    assert images.names == ("0.png", "1.png", "2.png", "3.png")
    assert images.digest == data.train_digest
    assert images.skipped == ()
    assert len(images) == 4
    for n, name in enumerate(images.names):
        np.testing.assert_array_equal(images[n], stored_pixels(folder, f"train/{name}"))
    assert prepare(data, "test", cache).names == ("a/0.png",)


def test_an_image_is_a_read_only_view_of_the_mapped_file(folder: Path, cache: Path) -> None:
    images = prepare(resolved(folder), "train", cache)
    assert isinstance(images.pixels, np.memmap)
    assert images[2].base is not None
    with pytest.raises(ValueError, match="read-only"):
        images[2][0, 0, 0] = 1


def test_images_are_decoded_once_and_found_again_without_their_files(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = resolved(folder)
    before = [image.copy() for image in prepare(data, "train", cache)]
    monkeypatch.setattr(decode_module, "decode", lambda *_: pytest.fail("decoded again"))
    (folder / "train/0.png").unlink()
    after = prepare(data, "train", cache)
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_files_that_changed_since_they_were_resolved_are_an_error(folder: Path, cache: Path) -> None:
    data = resolved(folder)
    (folder / "train/0.png").unlink()
    with pytest.raises(ValueError, match=r"the images of .*train have changed since the grid was planned"):
        prepare(data, "train", cache)


def spoil(folder: Path) -> None:
    (folder / "train/1.png").write_bytes((folder / "train/1.png").read_bytes()[:1000])
    Image.new("CMYK", (48, 48)).save(folder / "train/ink.jpg")


def test_unusable_images_are_all_named_with_their_reasons(folder: Path, cache: Path) -> None:
    spoil(folder)
    with pytest.raises(ValueError, match=r"2 of 5 images of .*train cannot be used") as caught:
        prepare(resolved(folder), "train", cache)
    assert "1.png: it cannot be decoded: " in str(caught.value)
    assert "ink.jpg: its colour mode CMYK" in str(caught.value)
    assert '; on_bad_image = "skip" leaves them out:' in str(caught.value)


def test_unusable_images_are_skipped_and_counted_where_asked_for(folder: Path, cache: Path) -> None:
    spoil(folder)
    images = prepare(resolved(folder, on_bad_image="skip"), "train", cache)
    assert images.names == ("0.png", "2.png", "3.png")
    np.testing.assert_array_equal(images[1], stored_pixels(folder, "train/2.png"))
    assert [name for name, _ in images.skipped] == ["1.png", "ink.jpg"]
    assert "CMYK" in dict(images.skipped)["ink.jpg"]


def test_a_training_image_smaller_than_the_crop_is_unusable(folder: Path, cache: Path) -> None:
    with pytest.raises(ValueError, match=r"0\.png: it is 40 pixels high and 48 wide; both must be 42 or more"):
        prepare(resolved(folder, crop=42), "train", cache)
    images = prepare(resolved(folder, crop=42, on_bad_image="skip"), "train", cache)
    assert images.names == ("2.png", "3.png")
    np.testing.assert_array_equal(images[0], stored_pixels(folder, "train/2.png"))


def test_a_test_image_below_sixteen_pixels_is_unusable(folder: Path, cache: Path, write_image: WriteImage) -> None:
    write_image(folder / "test/tiny.png", height=15, width=300)
    with pytest.raises(ValueError, match=r"tiny\.png: it is 15 pixels high and 300 wide; both must be 16 or more"):
        prepare(resolved(folder), "test", cache)


def test_skipping_every_image_is_an_error(folder: Path, cache: Path) -> None:
    with pytest.raises(ValueError, match=r"4 of 4 images of .*; none is left"):
        prepare(resolved(folder, crop=64, on_bad_image="skip"), "train", cache)


def contents(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"}


def test_a_full_disk_is_an_error_and_leaves_nothing_behind(folder: Path, cache: Path) -> None:
    data = resolved(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            prepare(data, "train", cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert contents(cache) == set()
    assert len(prepare(data, "train", cache)) == 4


def test_images_are_durable_before_their_name_is(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, synced, fsync = resolved(folder), [], os.fsync

    def watched(handle: int) -> None:
        synced.append((Path(os.readlink(f"/proc/self/fd/{handle}")), os.fstat(handle).st_size))
        fsync(handle)

    monkeypatch.setattr(cache_module.os, "fsync", watched)
    opened = len(os.listdir("/proc/self/fd"))
    size = sum(image.size for image in prepare(data, "train", cache))
    (pixels, length), (index, described), (inside, _), (names, _) = synced
    assert pixels == inside / "images.u8"
    assert index.name.startswith(".index.json.")
    assert (index.parent, names) == (inside, cache)
    assert inside.name.endswith(".writing")
    assert length == size
    (written,) = cache.glob("*/index.json")
    assert described == written.stat().st_size
    assert len(os.listdir("/proc/self/fd")) <= opened


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "cut": lambda path: os.truncate(path, 100),
    "deleted": os.unlink,
    "a bit flipped": flip,
    "another content": lambda path: path.write_text("[]"),
}


@pytest.mark.parametrize("name", ["images.u8", "index.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_images_are_decoded_anew(folder: Path, cache: Path, name: str, damage: str) -> None:
    data = resolved(folder)
    expected = [image.copy() for image in prepare(data, "train", cache)]
    (path,) = cache.glob(f"*/{name}")
    DAMAGES[damage](path)
    assert all(map(np.array_equal, prepare(data, "train", cache), expected))
    assert [each.name for each in cache.iterdir() if each.is_dir()] == [path.parent.name]


PREPARE_SLOWLY = """
import pathlib, sys, time
from ablate.config import Data
from ablate.data import prepare
from ablate.sources import decode

decode_now = decode.decode

def decode_slowly(*given):
    with open(sys.argv[3], "a") as log:
        log.write("decoded\\n")
    time.sleep(0.1)
    return decode_now(*given)

decode.decode = decode_slowly
images = prepare(Data.model_validate_json(sys.argv[1]), "train", pathlib.Path(sys.argv[2]))
print([int(image.sum(dtype="u8")) for image in images])
"""


def prepare_slowly(data: Data, cache: Path, log: Path) -> subprocess.Popen[str]:
    """Starts a process that pauses at each image it decodes, notes it, and prints the sums of all in the end."""
    arguments = [sys.executable, "-c", PREPARE_SLOWLY, data.model_dump_json(), str(cache), str(log)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_several_processes_at_once_decode_once_and_all_see_whole_images(folder: Path, cache: Path) -> None:
    log = folder / "log"
    workers = [prepare_slowly(resolved(folder), cache, log) for _ in range(2)]
    sums = [int(stored_pixels(folder, f"train/{n}.png").sum()) for n in range(4)]
    assert [worker.communicate()[0].strip() for worker in workers] == [str(sums)] * 2
    assert log.read_text().count("decoded") == 4


def test_a_process_killed_while_decoding_does_not_harm_the_next(folder: Path, cache: Path) -> None:
    log = folder / "log"
    with prepare_slowly(resolved(folder), cache, log) as worker:
        while not log.exists():
            assert worker.poll() is None
            time.sleep(0.005)
        worker.kill()
    assert any(name.endswith(".writing") for name in contents(cache))
    assert len(prepare(resolved(folder), "train", cache)) == 4
    assert not any(name.endswith(".writing") for name in contents(cache))


def test_other_rules_of_decoding_have_another_cache(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(resolved(folder), "train", cache)
    monkeypatch.setattr(decode_module, "VERSION", decode_module.VERSION + 1)
    prepare(resolved(folder), "train", cache)
    assert len(list(cache.glob("*/index.json"))) == 2


def test_the_index_says_what_lies_where(folder: Path, cache: Path) -> None:
    data = resolved(folder)
    prepare(data, "train", cache)
    (index,) = (json.loads(path.read_text()) for path in cache.glob("*/index.json"))
    assert index["names"] == ["0.png", "1.png", "2.png", "3.png"]
    assert index["shapes"] == [[40, 48], [41, 48], [42, 48], [43, 48]]
    assert index["digest"] == data.train_digest
    assert cache_module.SMALLEST_TEST_SIDE == 16
