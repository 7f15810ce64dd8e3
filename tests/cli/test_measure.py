"""`ablate measure` of folders, and `ablate references` of a grid's own codecs, in the shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from tests.cli.test_compress import draw

Ablate = Callable[..., Result]


@pytest.fixture
def folders(ablate_in: Ablate) -> None:
    draw(Path("photos/a.png"), 170, 161)
    draw(Path("photos/b.png"), 70, 66, seed=1)
    for name in ("files", "decoded"):
        Path(name).mkdir()
    for path in Path("photos").iterdir():
        Image.open(path).save(f"files/{path.stem}.jpg", quality=30)
        Image.open(f"files/{path.stem}.jpg").save(f"decoded/{path.stem}.png")


FOLDERS = ("measure", "--originals", "photos", "--reconstructions", "decoded")


@pytest.mark.usefixtures("folders")
def test_folders_are_measured_with_the_bits_of_their_files(ablate_in: Ablate) -> None:
    said = ablate_in(*FOLDERS, "--files", "files", "-o", "records")
    assert said.exit_code == 0, said.output
    result = json.loads(Path("records/result.json").read_text())
    measured = result["metrics"]["given"]
    sizes = {"a": 170 * 161, "b": 70 * 66}
    bits = [8 * Path(f"files/{name}.jpg").stat().st_size / pixels for name, pixels in sizes.items()]
    assert measured["bpp_actual"] == pytest.approx(sum(bits) / 2, rel=1e-12)
    assert "decoded on 2 images of photos" in said.output
    assert f"{measured['psnr']:.6g}" in said.output
    assert "bits: none" not in said.output
    refused = ablate_in(*FOLDERS, "-o", "records")
    assert (refused.exit_code, "--force measures anew" in refused.output) == (2, True)


@pytest.mark.usefixtures("folders")
def test_without_files_the_bits_are_said_to_be_absent(ablate_in: Ablate) -> None:
    said = ablate_in(*FOLDERS)
    assert said.exit_code == 0, said.output
    assert "bits: none, since no --files were given" in said.output
    found = json.loads(ablate_in(*FOLDERS, "--json", "--force").stdout)
    assert found["metrics"]["given"]["bpp_actual"] is None
    assert found["metrics"]["given"]["psnr"] > 5


@pytest.mark.usefixtures("folders")
def test_what_does_not_belong_together_is_a_sentence(ablate_in: Ablate) -> None:
    Path("decoded/b.png").unlink()
    said = ablate_in(*FOLDERS)
    assert (said.exit_code, "no reconstruction of that name for b.png" in said.output) == (2, True)
    assert "--originals and --reconstructions" in ablate_in("measure", "--originals", "photos").output


GRID = """
schema = 1
[base]
preset = "tiny"
[base.data]
source = "folder"
train = "train"
test = "photos"
"""


@pytest.mark.usefixtures("folders")
def test_the_codecs_of_a_grid_are_measured_before_any_cell_has_finished(ablate_in: Ablate) -> None:
    for seed in (2, 3):
        draw(Path(f"train/{seed}.png"), 96, 96, seed=seed)
    Path("grid.toml").write_text(f'{GRID}[[reference]]\ncodec = "jpeg"\nqualities = [10, 30]\n')
    said = ablate_in("references", "grid.toml")
    assert said.exit_code == 0, said.output
    assert "2 points measured" in said.output
    assert "JPEG at quality 30" in said.stderr
    assert "all points were measured before" in ablate_in("references", "grid.toml").output
    Path("grid.toml").write_text(f'{GRID}[[reference]]\ncodec = "jpeg"\nqualities = [99]\n')
    said = ablate_in("references", "grid.toml")
    assert (said.exit_code, "JPEG has the qualities 1 to 95, not 99" in said.output) == (2, True)
