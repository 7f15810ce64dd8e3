"""The files of docs/extending.md, as they stand there, go the way of those that ship."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.cli.init import KINDS

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
FILES = dict(re.findall(r"```\w+\n# (\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
STARTERS = PAGE.parents[1] / "ablate" / "cli" / "starters"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("own")
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


def ablate(directory: Path, *arguments: str) -> str:
    """Runs the command line in the page's directory; returns what it prints."""
    path = os.pathsep.join([str(PAGE.parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "ablate", *arguments]
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(directory: Path) -> dict[str, Path]:
    """Trains one cell by the executor of the page and one by that which ships; returns the entry of each codec."""
    ablate(directory, "run", "own.toml", "--no-progress", "--limit", "1")
    ablate(directory, "run", "own.toml", "--no-progress", "--executor", "local")
    return {cell["model"]["codec"]["name"]: entry for cell, entry in cells(directory)}


def cells(directory: Path) -> Iterator[tuple[dict, Path]]:
    for path in directory.glob("runs/**/cell.json"):
        yield json.loads(path.read_text())["cell"], path.parent


def test_there_is_a_file_of_each_kind_and_none_is_long():
    assert set(FILES) == {"own.toml", *(f"own_{kind}.py" for kind in KINDS)}
    assert {name: text.count("\n") for name, text in FILES.items() if text.count("\n") > 40} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_init_writes_the_file_of_the_page(kind: str):
    assert (STARTERS / f"{kind}.txt").read_text("utf-8") == FILES[f"own_{kind}.py"]


def test_a_grid_of_them_is_trained_measured_and_tracked(trained: dict[str, Path]):
    assert set(trained) == {"agustsson", "thumbnail"}
    for entry in trained.values():
        cell = json.loads((entry / "cell.json").read_text())["cell"]
        named = (cell["loss"]["adversarial"], cell["loss"]["distortion"], cell["discriminator"]["kind"], cell["data"])
        assert all(len(each["defined_by"]) == 64 for each in (*named, *cell["loss"]["penalties"]))
        assert cell["loss"]["adversarial"]["options"] == {"margin": 0.5}
        measured = json.loads((entry / "result.json").read_text())["metrics"]["ema"]
        assert 0 < measured["gradient_error"] < 255
        assert measured["bpp_actual"] > 0
        notes = (entry / "notes.txt").read_text().splitlines()
        assert notes[-1] == "done, measured: ema, raw"
        assert any(line.startswith("step 4: ") for line in notes)


@pytest.mark.usefixtures("trained")
def test_commands_know_them_by_name(directory: Path):
    told = ablate(directory, "losses", "softplus_margin", "--plugin", "own_loss.py")
    assert "Softplus with a margin" in told
    assert "gradient losing: -0.99" in told
    ablate(directory, "report", "own.toml")
    report = (directory / "reports" / "own" / "report.md").read_text()
    assert "Grad" in report
    assert "thumbnail" in report


def test_the_codecs_files_are_those_that_were_measured(directory: Path, trained: dict[str, Path]):
    rows, columns = np.indices((48, 48)) // 4
    board = np.repeat(255 * ((rows + columns) % 2)[..., None], 3, axis=2).astype(np.uint8)
    Image.fromarray(board).save(directory / "board 1.png")
    ablate(directory, "compress", "board 1.png", "--cell", trained["thumbnail"].name, "-o", "files")
    ablate(directory, "decompress", "files", "-o", "back")
    with open(trained["thumbnail"] / "eval" / "images.csv", newline="") as file:
        (measured,) = {row["bytes_actual"] for row in csv.DictReader(file) if row["weights"] == "ema"}
    assert (directory / "files" / "board 1.ablt").stat().st_size == int(measured)
    (recorded,) = (trained["thumbnail"] / "eval" / "recon" / "ema").iterdir()
    with Image.open(directory / "back" / "board 1.png") as back, Image.open(recorded) as expected:
        assert np.array_equal(np.asarray(back), np.asarray(expected))
