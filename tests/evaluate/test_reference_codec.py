"""Programs and formats as references: real bytes, what fails, what is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from ablate.codecs.standard import FORMATS
from ablate.config import Data, Evaluation
from ablate.data import resolve
from ablate.data.sets import resolve_sets
from ablate.evaluate.reference_curves import CodecReference
from ablate.records import Reference
from tests.train.conftest import gradient_image

PLAIN = Evaluation()
PROGRAM = """
import sys, time
from PIL import Image
source, output, decoded, quality = sys.argv[1:]
image = Image.open(source)
if quality == "20" and image.getpixel((0, 0)) == {bad}:
    sys.exit("this image is too much")
if quality == "40":
    time.sleep(600)
image.save(output + ".webp", quality=int(quality), method=0)
Image.open(output + ".webp").convert("RGB").resize(
    (8, 8) if quality == "60" else image.size).save(decoded)
"""


@pytest.fixture
def data(images: Path) -> Data:
    return resolve(Data(source="folder", train=str(images / "test"), test=str(images / "train")), images)


def reference(data: Data, tmp_path: Path, evaluation: Evaluation = PLAIN, **given: object) -> CodecReference:
    return CodecReference(Reference.model_validate(given), data, evaluation, tmp_path / "cache", tmp_path)


def test_a_program_is_measured_by_its_own_bytes_and_its_failures_are_told(
    data: Data, images: Path, tmp_path: Path
) -> None:
    bad = Image.open(images / "train" / "train2.png").getpixel((0, 0))
    (tmp_path / "codec.py").write_text(PROGRAM.replace("{bad}", str(bad)))
    command = f"{sys.executable} {{grid}}/codec.py {{input}} {{output}} {{decoded}} {{quality}}"
    own = reference(data, tmp_path, name="mine", command=command, qualities=[80, 5, 20, 40, 60], timeout=8)
    said: list[str] = []
    assert own.curve() is None
    assert own.measure(lambda what, images: said.append(f"{what}, {images} images")) == 5
    curve = own.curve()
    assert curve is not None
    low, high, *failed = curve.points
    assert (low.quality, high.quality) == (5, 80)
    files = [Image.open(path) for path in sorted((images / "train").iterdir())]
    sizes = []
    for number, image in enumerate(files):
        image.save(tmp_path / f"{number}.webp", quality=80, method=0)
        sizes.append(8 * (tmp_path / f"{number}.webp").stat().st_size / (image.width * image.height))
    assert high.values["bpp_actual"] == pytest.approx(sum(sizes) / 2, rel=1e-12)
    assert high.values["psnr"] > low.values["psnr"]
    assert {point.quality: [(name, why) for name, why, _ in point.failed] for point in failed} == {
        20: [("train2.png", "exit_code")],
        40: [("train1.png", "timeout"), ("train2.png", "timeout")],
        60: [("train1.png", "other_size"), ("train2.png", "other_size")],
    }
    assert all(not point.values for point in failed)
    assert "this image is too much" in failed[0].failed[0][2]
    assert said == [f"mine at quality {quality}, 2 images" for quality in (80, 5, 20, 40, 60)]
    assert curve.protocol["psnr"]["pictures"] == data.test_digest
    assert own.measure() == 0, "kept"


def test_a_named_set_has_points_of_its_own(data: Data, images: Path, tmp_path: Path) -> None:
    evaluation = resolve_sets(Evaluation(sets={"more": "more"}), data, more(tmp_path))
    beside = reference(data, tmp_path, evaluation, codec="jpeg", qualities=[20, 80])
    assert beside.missing() == ("test", "more")
    assert beside.measure() == 4
    assert beside.missing() == ()

    # What stands there is what the set has as test images, with its own bits.
    own = resolve(Data(source="folder", train=str(images / "test"), test=str(tmp_path / "more")), images)
    alone = reference(own, tmp_path / "alone", codec="jpeg", qualities=[20, 80])
    alone.measure()
    for point, other in zip(beside.curve().points, alone.curve().points, strict=True):
        assert {name: point.values[f"{name}@more"] for name in other.values} == other.values
        assert point.values["psnr"] != point.values["psnr@more"]
        assert point.values["bpp_actual"] != point.values["bpp_actual@more"]
    assert beside.curve().protocol["psnr@more"]["pictures"] == own.test_digest


def test_points_of_a_file_are_those_of_the_set_that_is_declared(data: Data, tmp_path: Path) -> None:
    evaluation = resolve_sets(Evaluation(sets={"more": "more"}), data, more(tmp_path))
    (tmp_path / "points.csv").write_text("bpp,psnr\n0.05,22\n")
    for images, name in ((evaluation.set_digests["more"][:12], "psnr@more"), (data.test_digest, "psnr")):
        own = reference(data, tmp_path, evaluation, file=str(tmp_path / "points.csv"), images=images)
        assert own.curve().points[0].values[name] == 22
        assert own.missing() == ()


def more(directory: Path) -> Path:
    """Writes an image to the set `more` and returns the directory that holds it."""
    (directory / "more").mkdir()
    Image.fromarray(gradient_image(5, 96, 112)).save(directory / "more" / "one.png")
    return directory


def test_a_program_that_changed_is_measured_again(data: Data, tmp_path: Path) -> None:
    (tmp_path / "codec.py").write_text(PROGRAM.replace("{bad}", "0"))
    command = f"{sys.executable} {{grid}}/codec.py {{input}} {{output}} {{decoded}} 30"
    own = reference(data, tmp_path, name="mine", command=command)
    assert [own.measure(), own.measure()] == [1, 0]
    (tmp_path / "codec.py").write_text(PROGRAM.replace("{bad}", "1"))
    assert own.measure() == 1


def test_what_took_too_long_is_measured_again_with_more_time(data: Data, tmp_path: Path) -> None:
    (tmp_path / "codec.py").write_text(PROGRAM.replace("{bad}", "0").replace("600", "3").replace('"40"', '"30"'))
    command = f"{sys.executable} {{grid}}/codec.py {{input}} {{output}} {{decoded}} 30"
    hurried, patient = (reference(data, tmp_path, name="mine", command=command, timeout=time) for time in (1, 60))
    assert [hurried.measure(), hurried.measure()] == [1, 0]
    assert [patient.measure(), patient.measure()] == [1, 0]
    curve = patient.curve()
    assert curve is not None
    assert not curve.points[0].failed
    assert hurried.measure() == 0, "what did not fail is kept, whatever the time"


def test_a_quality_that_a_format_lacks_is_refused(data: Data, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JPEG has the qualities 1 to 95, not 99"):
        reference(data, tmp_path, codec="jpeg", qualities=[99]).measure()


def test_a_format_that_pillow_lacks_is_an_error_that_says_so(data: Data, tmp_path: Path, monkeypatch) -> None:
    Image.init()
    monkeypatch.setattr(Image, "SAVE", {name: save for name, save in Image.SAVE.items() if name not in ("AVIF", "JXL")})
    for codec, told in (("avif", "writes no AVIF here; Pillow 11.3"), ("jpegxl", "pip install pillow-jxl-plugin")):
        with pytest.raises(ValueError, match=told):
            reference(data, tmp_path, codec=codec, qualities=[50]).measure()


@pytest.mark.parametrize("codec", ["webp", "avif"])
def test_formats_that_are_there_are_measured(data: Data, tmp_path: Path, codec: str) -> None:
    try:
        FORMATS[codec].require()
    except ValueError as error:
        pytest.skip(str(error))
    own = reference(data, tmp_path, codec=codec, qualities=[90, 10])
    assert own.measure() == 2
    low, high = own.curve().points
    assert (low.quality, high.quality) == (10, 90)
    assert low.values["bpp_actual"] < high.values["bpp_actual"]
    assert low.values["psnr"] < high.values["psnr"]
    assert "Pillow" in own.curve().version
