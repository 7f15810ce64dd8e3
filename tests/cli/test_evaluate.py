"""`ablate eval` in the shell."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ablate.store import Entry, Store
from tests.cli.test_compress import colour, draw
from tests.store.cells import commit, tiny_cell

Ablate = Callable[..., Result]


@pytest.fixture
def entry() -> Entry:
    draw(Path("photos/a.png"), 170, 161)
    draw(Path("photos/b.png"), 70, 66, seed=1)
    return commit(Store(Path("runs"), "grid"), tiny_cell())


def test_people_see_images_and_metrics_and_where_the_records_are(ablate_in: Ablate, entry: Entry) -> None:
    said = ablate_in("eval", "--cell", "tiny seed=0", "--images", "photos", "-o", "records", "--weights", "ema")
    assert said.exit_code == 0, said.output
    result = json.loads(Path("records/result.json").read_text())
    lines = [line.split() for line in said.output.splitlines()]
    measured = result["metrics"]["ema"]
    (psnr,) = [line for line in lines if line[:1] == ["psnr"]]
    assert psnr[1] == f"{measured['psnr']:.6g}"
    (small,) = [line for line in lines if line[:1] == ["b.png"]]
    assert small[1] == "70x66"
    assert small[3] == "–", "MS-SSIM is not defined below 161 pixels"
    assert "records: records" in said.output
    assert Path("records/eval/images.csv").is_file()
    assert len(list(Path("records/eval/recon/ema").iterdir())) == 2
    assert "2 images of photos" in said.output
    assert said.stderr.splitlines() == ["[1/2] a.png (ema)", "[2/2] b.png (ema)"]


def test_programs_read_the_result_and_an_earlier_one_is_kept_unless_asked(ablate_in: Ablate, entry: Entry) -> None:
    arguments = ("eval", "--cell", entry.path.name, "--images", "photos", "--json")
    first = ablate_in(*arguments)
    result = json.loads(first.stdout)
    (place,) = (entry.path / "evaluations").iterdir()
    assert place.name == f"photos-{result['pictures']['digest'][:8]}"
    stored = json.loads((place / "result.json").read_text())
    assert result == {key: value for key, value in stored.items() if key not in ("seal", "sealed")}
    assert set(result["metrics"]) == {"ema", "raw"}
    refused = ablate_in(*arguments)
    assert refused.exit_code == 2
    assert "is there already; --force measures anew" in refused.output
    again = json.loads(ablate_in(*arguments, "--force").stdout)
    assert again["metrics"] == result["metrics"]


def test_images_that_cannot_be_used_are_an_error_or_left_out(ablate_in: Ablate, entry: Entry) -> None:
    Path("photos/c.png").write_bytes(b"no image")
    arguments = ("eval", "--cell", "tiny seed=0", "--images", "photos", "--weights", "raw", "-o", "records")
    said = ablate_in(*arguments)
    assert said.exit_code == 2
    assert "c.png: it cannot be decoded: it is no PNG" in said.output
    assert "; --on-bad-image skip leaves them out:" in said.output
    assert not Path("records").exists()
    said = ablate_in(*arguments, "--on-bad-image", "skip")
    assert said.exit_code == 3, said.output
    assert "skipped c.png" in said.output
    assert "1 of 3 could not be measured" in said.output
    assert json.loads(Path("records/result.json").read_text())["pictures"]["skipped"][0][0] == "c.png"


@pytest.mark.timeout(60)
def test_files_that_cannot_be_read_are_skipped_and_named_for_people_and_programs(
    ablate_in: Ablate, entry: Entry
) -> None:
    os.mkfifo("photos/pipe.png")
    Path("photos/lost.png").symlink_to("nowhere.png")
    arguments = ("eval", "--cell", "tiny seed=0", "--images", "photos", "--weights", "raw", "-o", "records")
    said = ablate_in(*arguments)
    assert said.exit_code == 2
    assert "2 of 4 images of photos cannot be used" in said.output
    said = ablate_in(*arguments, "--on-bad-image", "skip", "--json")
    assert said.exit_code == 3, said.output
    measured = json.loads(said.stdout)["pictures"]
    assert measured["count"] == 2
    assert dict(measured["skipped"]) == {
        "lost.png": "it is a link to nowhere.png, which is not there",
        "pipe.png": "it is a named pipe; a regular file is expected",
    }
    assert "skipped pipe.png: it is a named pipe" in said.stderr


def test_a_colour_profile_is_told_and_stands_in_the_protocol(ablate_in: Ablate, entry: Entry) -> None:
    colour(Path("photos/b.png"))
    said = ablate_in("eval", "--cell", "tiny seed=0", "--images", "photos", "--weights", "raw", "-o", "records")
    assert said.exit_code == 0, said.output
    assert said.stderr.splitlines()[0] == "the colour profile is Adobe RGB (1998), taken as if it were sRGB (b.png)"
    protocol = json.loads(Path("records/result.json").read_text())["protocol"]
    assert protocol["psnr"]["colours"] == {"kept": {"Adobe RGB (1998)": 1}}


def test_images_of_the_training_are_warned_of(ablate_in: Ablate, entry: Entry, monkeypatch) -> None:
    from ablate.data import prepare_folder

    settings = json.loads((entry.path / "cell.json").read_text())
    settings["cell"]["data"]["train_digest"] = prepare_folder(Path("photos"), Path("cache")).digest
    (entry.path / "cell.json").write_text(json.dumps(settings))
    said = ablate_in("eval", "--cell", "tiny seed=0", "--images", "photos", "--weights", "raw")
    assert said.exit_code == 0, said.output
    assert "these are the images that the cell was trained on" in said.output


def test_mistakes_are_said_before_anything_is_measured(ablate_in: Ablate, entry: Entry) -> None:
    for arguments, message in (
        (("--cell", "tiny seed=0", "--images", "nowhere"), "nowhere is not there; a directory is expected"),
        (("--cell", "tiny seed=8", "--images", "photos"), "has the label or id 'tiny seed=8'"),
        (("--cell", "tiny seed=0", "--images", "photos", "-o", entry.path, "--force"), "a cell's own result"),
    ):
        said = ablate_in("eval", *arguments)
        assert said.exit_code == 2, said.output
        assert message in said.output
