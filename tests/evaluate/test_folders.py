"""Reconstructions from folders, made by another program, against the built-in codec and by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ablate.config import Data, Evaluation
from ablate.data import prepare_folder, resolve
from ablate.evaluate.folders import matched, measure_folders
from ablate.evaluate.reference_curves import CodecReference
from ablate.records import Environment, Reference
from ablate.store import Entry

PROGRAM = """
import sys
from pathlib import Path
from PIL import Image
source, files, decoded, quality = sys.argv[1:]
for path in sorted(Path(source).glob("*.png")):
    file = Path(files, path.stem + ".jpg")
    Image.open(path).save(file, "JPEG", quality=int(quality), optimize=True, subsampling="4:2:0")
    Image.open(file).save(Path(decoded, path.name))
"""
QUALITIES = (10, 30, 50, 70, 90)


def test_jpeg_by_another_program_has_the_figures_of_the_built_in_codec(images: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    # The training images have two, the test images one.
    data = Data(source="folder", train=str(images / "test"), test=str(images / "train"))
    data = resolve(data, tmp_path)
    declared = Reference(codec="jpeg", qualities=QUALITIES)
    reference = CodecReference(declared, data, Evaluation(), cache, tmp_path)
    assert reference.measure() == 5
    curve = reference.curve()
    assert curve is not None
    assert [point.quality for point in curve.points] == list(QUALITIES)
    originals = prepare_folder(images / "train", cache)
    for point in curve.points:
        files, decoded = tmp_path / f"files{point.quality}", tmp_path / f"decoded{point.quality}"
        files.mkdir()
        decoded.mkdir()
        places = map(str, (images / "train", files, decoded, point.quality))
        subprocess.run([sys.executable, "-c", PROGRAM, *places], check=True)
        result = measure_folders(
            originals,
            prepare_folder(decoded, cache),
            Entry(tmp_path / f"records{point.quality}"),
            Evaluation(),
            folder=decoded,
            files=files,
            cache=cache,
            device="cpu",
            environment=Environment(device="cpu"),
        )
        measured = result.metrics["given"]
        assert {name: measured[name] for name in point.values} == dict(point.values)
        assert point.values["bpp_actual"] > 0
        assert point.values["fd_lite0_112"] > 0
        assert point.values["identical"] == 0
        assert {name: result.protocol[name] for name in point.values if name != "identical"} == curve.protocol


def test_without_files_there_are_no_bits(images: Path, tmp_path: Path) -> None:
    originals = prepare_folder(images / "train", tmp_path)
    records = Entry(tmp_path / "records")
    around = {"cache": tmp_path, "device": "cpu", "environment": Environment(device="cpu")}
    result = measure_folders(
        originals, originals, records, Evaluation(), folder=images / "train", files=None, **around
    )  # fmt: skip
    assert result.metrics["given"]["bpp_actual"] is None
    assert result.metrics["given"]["psnr"] is None, "unchanged images have no finite PSNR"
    assert result.metrics["given"]["identical"] == 2
    assert "bpp_actual" not in result.uncertainty["given"]
    assert records.images_csv.read_text().splitlines()[1].split(",")[0] == "given"


def test_names_are_matched_by_their_stem() -> None:
    assert matched(["a.png", "b.png"], ["b.webp", "a.jpg", "c.jpg"], "file") == {"a.png": "a.jpg", "b.png": "b.webp"}
    assert matched(["a.png"], ["a.png.jxl"], "file") == {"a.png": "a.png.jxl"}
    assert matched(["x/a.png", "y/a.png"], ["y/a.bin", "x/a.bin"], "file")["x/a.png"] == "x/a.bin"
    assert matched(["x/a.png"], ["a.bin"], "file") == {"x/a.png": "a.bin"}
    assert matched(["img.1.png"], ["img.1.bin"], "file") == {"img.1.png": "img.1.bin"}


@pytest.mark.parametrize(
    ("names", "others", "told"),
    [
        (["a.png", "b.png"], ["a.bin"], "no file of that name for b.png"),
        (["a.png"], ["a.bin", "a.jpg"], "more than one file for a.png: a.bin, a.jpg"),
        (["x/a.png", "y/a.png"], ["a.bin"], "one file for several images: a.bin for x/a.png and y/a.png"),
    ],
)
def test_what_does_not_match_is_refused(names: list[str], others: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        matched(names, others, "file")


def test_another_size_is_refused(images: Path, tmp_path: Path) -> None:
    from ablate.evaluate.folders import pair

    (tmp_path / "small").mkdir()
    for path in (images / "train").iterdir():
        Image.open(path).resize((40, 30)).save(tmp_path / "small" / path.name)
    originals, small = prepare_folder(images / "train", tmp_path), prepare_folder(tmp_path / "small", tmp_path)
    with pytest.raises(
        ValueError, match=r"another size than their original: train1.png is 176x192, train1.png is 30x40"
    ):
        pair(originals, small, None)
