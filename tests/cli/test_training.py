"""The commands with real trainings of a few steps, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ablate

GRID = """
schema = 1
name = "real"
[base]
preset = "tiny"
model.width = 4
discriminator.width = 4
train.steps = 3
train.warmup_steps = 2
data.source = "folder"
data.train = "train"
data.test = "test"
[axes]
"loss.adversarial" = ["vanilla", "hinge"]
"""


@pytest.fixture
def command(tmp_path: Path):
    draw = np.random.default_rng(0)
    for name in ("train/a.png", "test/b.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(draw.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "grid.toml").write_text(GRID)
    environment = os.environ | {"PYTHONPATH": str(Path(ablate.__file__).parents[1])}

    def call(*arguments: str) -> str:
        program = [sys.executable, "-m", "ablate", *arguments]
        done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_a_grid_is_trained_measured_and_never_trained_again(command, tmp_path: Path):
    pytest.importorskip("tensorboard")
    said = command("run", "grid.toml", "--track", "csv", "--track", "tensorboard images=2")
    assert "failed, and is told nothing more" not in said
    assert "csv: 2 cells of 2" in command("track", "grid.toml", "--to", "csv")
    assert "2 done" in said
    status = json.loads(command("status", "grid.toml", "--json"))
    assert (status["done"], status["total"]) == (2, 2)
    assert [warmup["status"] for warmup in status["warmups"]] == ["done"]
    for cell in json.loads(command("show", "grid.toml", "--json"))["cells"]:
        assert cell["step"] == 3
        assert cell["result"]["metrics"]["ema"]["psnr"] > 0
        assert cell["result"]["environment"]["threads"] == 1
        assert (tmp_path / "runs" / "real" / "cells" / cell["id"] / "weights.pt").exists()
        (events,) = (tmp_path / "runs" / "real" / "tensorboard").glob(f"*{cell['id']}/events*")
        assert events.stat().st_size > 1000
        table = tmp_path / "runs" / "real" / "cells" / cell["id"] / "metrics.csv"
        assert [line.partition(",")[0] for line in table.read_text().splitlines()] == ["step", "1", "3"]
    assert "nothing to do" in command("run", "grid.toml")
    assert "all points were measured before" in command("references", "grid.toml")


def test_a_run_may_leave_standard_codecs_to_a_command_of_their_own(command, tmp_path: Path):
    command("run", "grid.toml", "--no-references", "--limit", "1")
    assert list((tmp_path / "runs").rglob("anchors-*.json")) == []
    assert "points measured" in command("references", "real")
    assert len(list((tmp_path / "runs").rglob("anchors-*.json"))) == 2
