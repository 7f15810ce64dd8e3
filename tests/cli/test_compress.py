"""`ablate compress` and `ablate decompress`, in the shell and from one process to another."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from typer.testing import Result

from ablate.store import Entry, Store
from ablate.store.weights import load
from tests.cli.round_trip import compare, there_and_back
from tests.store.cells import commit, guided_cell, selective_cell, tiny_cell

Ablate = Callable[..., Result]


def draw(path: Path, height: int = 40, width: int = 56, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def colour(path: Path) -> None:
    """Gives an image a colour profile that is not sRGB."""
    with Image.open(f"{skimage.__path__[0]}/data/rocket.jpg") as rocket:
        profile = rocket.info["icc_profile"]
    with Image.open(path) as image:
        image.copy().save(path, icc_profile=profile)


def read(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).transpose(2, 0, 1).copy()


@pytest.fixture
def entry() -> Entry:
    return commit(Store(Path("runs"), "grid"), tiny_cell(noise=True))


def test_what_is_compressed_comes_back_as_its_reconstruction(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    draw(Path("b.webp"), 1, 1)
    said = ablate_in("compress", "a.png", "b.webp", "--cell", entry.path.name[:5], "-o", "out", "--weights", "raw")
    assert said.exit_code == 0, said.output
    size = Path("out/a.ablt").stat().st_size
    assert f"[1/2] a.png -> out/a.ablt  {size} bytes, {8 * size / (40 * 56):.4f} bit/pixel" in said.output
    assert f"{entry.path.name} (tiny seed=0), raw, model" in said.output
    said = ablate_in("decompress", "out/a.ablt", "out/b.ablt", "-o", "back")
    assert said.exit_code == 0, said.output
    codec = load(entry, "raw")
    expected = codec.decode(codec.encode(torch.from_numpy(read("a.png"))))
    assert np.array_equal(read("back/a.png"), expected.numpy())
    assert read("back/b.png").shape == (3, 1, 1)


def test_processes_of_their_own_give_the_recorded_bytes_and_pixels(ablate_in: Ablate, entry: Entry) -> None:
    for number, size in enumerate(((37, 75), (1, 1), (170, 161))):
        draw(Path(f"photos/{number}.png"), *size, seed=number)
    ablate_in("eval", "--cell", "tiny seed=0", "--images", "photos", "--weights", "ema", "-o", "scratch/records")
    there_and_back("tiny seed=0", Path("photos"), Path("runs"), Path("scratch"))
    assert compare(Path("photos"), Entry(Path("scratch/records")), Path("scratch")) == []
    # And it would be seen if they did not.
    Path("scratch/files/0.ablt").write_bytes(Path("scratch/files/0.ablt").read_bytes() + b"x")
    Path("scratch/images/2.png").write_bytes(Path("photos/2.png").read_bytes())
    wrong = compare(Path("photos"), Entry(Path("scratch/records")), Path("scratch"))
    assert [sentence.split(":")[0].split()[0] for sentence in wrong] == ["0.png", "2.png", "mean"]


def test_directories_keep_their_shape(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("photos/a.png"))
    draw(Path("photos/deep/b.jpg"))
    assert ablate_in("compress", "photos", "--cell", "tiny seed=0", "-o", "out").exit_code == 0
    assert ablate_in("decompress", "out", "-o", "back").exit_code == 0
    assert sorted(str(path) for path in Path("back").rglob("*.png")) == ["back/a.png", "back/deep/b.png"]


def test_programs_read_json_and_people_the_progress(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    Path("broken.png").write_bytes(b"no image")
    done = ablate_in("compress", "broken.png", "a.png", "--cell", entry.path.name, "-o", "out", "--json")
    assert done.exit_code == 3
    broken, fine = json.loads(done.stdout)
    assert broken["source"] == "broken.png"
    assert "it is no PNG, JPEG, WebP or TIFF file" in broken["error"]
    assert "target" not in broken
    assert fine["bytes"] == Path("out/a.ablt").stat().st_size
    assert (fine["height"], fine["width"]) == (40, 56)
    assert "error: broken.png: it cannot be decoded: it is no PNG" in done.stderr
    assert not Path("out/broken.ablt").exists()


def test_a_broken_file_stops_no_other_and_leaves_no_image(ablate_in: Ablate, entry: Entry) -> None:
    for name in ("a.png", "b.png", "c.png"):
        draw(Path(name))
    ablate_in("compress", "a.png", "b.png", "c.png", "--cell", "tiny seed=0", "-o", "out")
    whole = Path("out/a.ablt").read_bytes()
    Path("out/a.ablt").write_bytes(whole[:-7])
    Path("out/b.ablt").write_bytes(whole[:40] + bytes([whole[40] ^ 4]) + whole[41:])
    said = ablate_in("decompress", "out", "-o", "back")
    assert said.exit_code == 3
    assert said.output.count("truncated or altered") == 2
    assert "2 of 3 could not be done" in said.output
    assert [path.name for path in Path("back").iterdir()] == ["c.png"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", ["compress", "decompress"])
def test_a_file_that_cannot_be_read_is_its_own_failure_and_the_others_go_on(
    ablate_in: Ablate, entry: Entry, command: str
) -> None:
    draw(Path("a.png"))
    suffix, cell = (".png", ("--cell", "tiny seed=0")) if command == "compress" else (".ablt", ())
    if command == "decompress":
        ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", ".")
    os.mkfifo(f"pipe{suffix}")
    Path(f"lost{suffix}").symlink_to(f"nowhere{suffix}")
    Path(f"circle{suffix}").symlink_to(f"circle{suffix}")
    names = [f"{name}{suffix}" for name in ("pipe", "lost", "circle", "a")]
    said = ablate_in(command, *names, *cell, "-o", "out", "--json")
    assert said.exit_code == 3, said.output
    told = {record["source"]: record.get("error") for record in json.loads(said.stdout)}
    assert told == {
        f"pipe{suffix}": "it is a named pipe; a regular file is expected",
        f"lost{suffix}": f"it is a link to nowhere{suffix}, which is not there",
        f"circle{suffix}": "it is a link that leads in a circle",
        f"a{suffix}": None,
    }
    assert f"error: pipe{suffix}: it is a named pipe" in said.stderr


def test_a_colour_profile_is_told_with_its_image(ablate_in: Ablate, entry: Entry) -> None:
    colour(draw(Path("a.png")))
    said = ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out")
    assert "bit/pixel; the colour profile is Adobe RGB (1998), taken as if it were sRGB" in said.output
    said = ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out", "--force", "--json")
    assert json.loads(said.stdout)[0]["remarks"] == ["the colour profile is Adobe RGB (1998), taken as if it were sRGB"]


def test_a_cell_that_was_trained_on_converted_colours_converts_what_it_compresses(
    ablate_in: Ablate, entry: Entry
) -> None:
    colour(draw(Path("a.png")))
    ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "kept")
    settings = json.loads((entry.path / "cell.json").read_text())
    settings["cell"]["data"]["colour_profiles"] = "convert"
    (entry.path / "cell.json").write_text(json.dumps(settings))
    said = ablate_in("compress", "a.png", "--cell", entry.path.name, "-o", "out")
    assert "the colour profile is Adobe RGB (1998), converted to sRGB" in said.output
    assert Path("out/a.ablt").read_bytes() != Path("kept/a.ablt").read_bytes()


def test_a_wrong_model_is_named(ablate_in: Ablate, entry: Entry) -> None:
    other = commit(Store(Path("runs"), "grid"), tiny_cell(seed=3))
    draw(Path("a.png"))
    ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out")
    said = ablate_in("decompress", "out/a.ablt", "--cell", "tiny seed=3", "-o", "back")
    assert said.exit_code == 3
    model, wrong = load(entry, "ema").model_id.hex(), load(other, "ema").model_id.hex()
    assert f"written by the model {model}, and {other.path.name} (tiny seed=3) is another (ema {wrong}" in said.output
    assert not Path("back").exists()
    said = ablate_in("decompress", "out/a.ablt", "-o", "back", "--runs-dir", "elsewhere")
    assert said.exit_code == 3
    assert "no cell was trained under elsewhere" in said.output


@pytest.mark.parametrize("models", [True, False])
def test_the_model_that_a_file_names_is_found_among_all_grids(ablate_in: Ablate, models: bool) -> None:
    commit(Store(Path("runs"), "first"), tiny_cell(seed=1), models=models)
    commit(Store(Path("runs"), "second"), tiny_cell(seed=2), models=models)
    commit(Store(Path("runs"), "second"), tiny_cell(seed=3), status="diverged")
    draw(Path("a.png"))
    ablate_in("compress", "a.png", "--cell", "tiny seed=2", "--weights", "raw", "-o", "out")
    assert ablate_in("decompress", "out/a.ablt", "-o", "back").exit_code == 0
    said = ablate_in("decompress", "out/a.ablt", "-o", "elsewhere", "--grid", "first")
    assert said.exit_code == 3
    assert "which no finished cell under runs/first is" in said.output


def test_a_cells_directory_alone_is_enough(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out")
    entry.path.rename("shipped")
    assert ablate_in("decompress", "out/a.ablt", "--cell", "shipped", "-o", "back").exit_code == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_said(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    said = ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out", "--device", "cuda")
    assert said.exit_code == 2
    assert "there is no device cuda on this machine" in said.output


def test_nothing_is_overwritten_unless_asked(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    Path("out").mkdir()
    Path("out/a.ablt").write_text("mine")
    said = ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out")
    assert said.exit_code == 2
    assert "out/a.ablt is there already; --force writes over it" in said.output
    assert Path("out/a.ablt").read_text() == "mine"
    assert ablate_in("compress", "a.png", "--cell", "tiny seed=0", "-o", "out", "--force").exit_code == 0
    assert Path("out/a.ablt").read_bytes()[:4] == b"ABLT"


def test_mistakes_are_said_before_anything_is_written(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    draw(Path("a.jpg"))
    commit(Store(Path("runs"), "grid"), tiny_cell(seed=2))
    Path("empty").mkdir()
    for arguments, message in (
        (("a.png", "--cell", "tiny seed=9"), "no cell under runs has the label or id 'tiny seed=9'; there is"),
        (("a.png", "--cell", ""), "'' means 2 cells"),
        (("a.png", "a.jpg", "--cell", "tiny seed=0"), "a.png and a.jpg would both be written to out/a.ablt"),
        (("a.png", "b.png", "--cell", "tiny seed=0"), "there is no file b.png"),
        (("empty", "--cell", "tiny seed=0"), "empty holds no image"),
        (("a.png", "--cell", "tiny seed=0", "--grid", "other"), "no cell was trained under runs/other yet"),
        (("a.png", "--cell", "tiny seed=0", "--device", "tpu"), "--device"),
        (("a.png", "--cell", "tiny seed=0", "-o", "a.jpg"), "a.jpg is a file; a directory is expected"),
    ):
        said = ablate_in("compress", "-o", "out", *arguments)
        assert said.exit_code == 2, said.output
        assert message in said.output
    assert not Path("out").exists()


@pytest.fixture
def guided() -> Entry:
    """A cell whose generator is given label maps of its own directory."""
    return commit(Store(Path("runs"), "grid"), guided_cell("maps"))


def test_a_label_map_goes_into_the_file_and_its_bytes_are_told(ablate_in: Ablate, guided: Entry) -> None:
    draw(Path("a.png"))
    for number in range(2):
        Path("maps").mkdir(exist_ok=True)
        Image.fromarray((read("a.png")[0] > 127).astype(np.uint8) * number).save(f"maps/{'ab'[number]}.png")
    said = ablate_in("compress", "a.png", "--cell", guided.path.name, "-o", "out", "--map", "maps", "--json")
    assert said.exit_code == 0, said.output
    (record,) = json.loads(said.stdout)
    assert 0 < record["labels_bytes"] < record["bytes"] == Path("out/a.ablt").stat().st_size
    said = ablate_in("compress", "a.png", "--cell", guided.path.name, "-o", "other", "--map", "maps/b.png")
    assert " of them labels, " in said.output
    said = ablate_in("decompress", "out/a.ablt", "other/a.ablt", "-o", "back", "--force")
    assert "would both be written" in said.output
    for directory in ("out", "other"):
        assert ablate_in("decompress", f"{directory}/a.ablt", "-o", f"back_{directory}").exit_code == 0
    assert (read("back_out/a.png") != read("back_other/a.png")).any()


def test_a_missing_label_map_is_an_error_with_the_way_out(ablate_in: Ablate, guided: Entry) -> None:
    draw(Path("a.png"))
    said = ablate_in("compress", "a.png", "--cell", guided.path.name, "-o", "out")
    assert said.exit_code != 0
    assert "this cell's generator is given label maps" in said.output
    assert "name the maps of the images by --map" in said.output
    Path("maps").mkdir()
    draw(Path("maps/other.png"))
    said = ablate_in("compress", "a.png", "--cell", guided.path.name, "-o", "out", "--map", "maps")
    assert said.exit_code == 3
    assert "images have no label map below maps: a.png" in said.output
    said = ablate_in("compress", "a.png", "--cell", guided.path.name, "-o", "out", "--map", "maps/other.png")
    assert "the label map maps/other.png: its pixels are RGB" in said.output


def test_a_mask_leaves_out_what_is_not_kept(ablate_in: Ablate) -> None:
    entry = commit(Store(Path("runs"), "grid"), selective_cell())
    draw(Path("a.png"))
    Image.fromarray(np.pad(np.full((8, 12), 255, np.uint8), ((16, 16), (20, 24)))).save("mask.png")
    size = {}
    for name, more in (("whole", ()), ("part", ("--mask", "mask.png"))):
        said = ablate_in("compress", "a.png", "--cell", entry.path.name, "-o", name, "--json", *more)
        assert said.exit_code == 0, said.output
        size[name] = json.loads(said.stdout)[0]
        assert ablate_in("decompress", f"{name}/a.ablt", "-o", f"back_{name}").exit_code == 0
    assert size["part"]["bytes"] < size["whole"]["bytes"]
    assert size["part"]["kept_bytes"] > 0
    assert read("back_part/a.png").shape == (3, 40, 56)
    Image.new("L", (55, 40)).save("mask.png")
    said = ablate_in("compress", "a.png", "--cell", entry.path.name, "-o", "other", "--mask", "mask.png")
    assert said.exit_code == 3
    assert "the image is 40x56 pixels and its mask 40x55" in said.output


def test_a_mask_for_a_codec_that_sends_everything_is_an_error(ablate_in: Ablate, entry: Entry) -> None:
    draw(Path("a.png"))
    said = ablate_in("compress", "a.png", "--cell", entry.path.name, "-o", "out", "--mask", "a.png")
    assert said.exit_code != 0
    assert "sends all of an image (model.selective)" in said.output
    assert not Path("out").exists()


def test_a_codec_of_maps_that_are_made_of_images_needs_none(ablate_in: Ablate, tmp_path: Path) -> None:
    entry = commit(Store(Path("runs"), "grid"), guided_cell("segmentation"))
    draw(Path("a.png"))
    said = ablate_in("compress", "a.png", "--cell", entry.path.name, "-o", "out")
    assert said.exit_code == 0, said.output
    assert " of them labels, " in said.output
    said = ablate_in("eval", "--cell", entry.path.name, "--images", ".", "--weights", "ema")
    assert said.exit_code == 0, said.output
