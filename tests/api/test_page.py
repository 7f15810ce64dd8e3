"""docs/python.md, run block after block, and what its names are then."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import ablate
from ablate.cli.app import app
from ablate.pixels import to_float, to_uint8

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def page(directory: Path) -> dict[str, Any]:
    """Runs every block in an empty directory; returns the names that they leave."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for block in BLOCKS:
            exec(compile(block, "docs/python.md", "exec"), names)
    return names


def test_a_grid_is_a_file_that_the_command_line_reads(page: dict[str, Any], directory: Path):
    assert (directory / "losses.toml").read_text() == page["grid"].toml
    assert page["study"].name == "losses"
    assert (directory / "runs" / "losses" / "plan.json").is_file()


def test_the_tracker_that_was_asked_for_followed_every_cell(page: dict[str, Any], directory: Path):
    for cell in page["study"].cells.index:
        rows = pd.read_csv(directory / "runs" / "losses" / "cells" / cell / "metrics.csv")
        assert rows["step"].iloc[-1] == 6


def test_a_run_again_trains_nothing_and_reads_the_same(page: dict[str, Any], directory: Path, monkeypatch, capsys):
    monkeypatch.chdir(directory)
    again = ablate.run("losses.toml")
    assert "nothing to do" in capsys.readouterr().out
    pd.testing.assert_frame_equal(again.cells, page["study"].cells)


def test_cells_have_axes_and_figures(page: dict[str, Any]):
    cells = page["study"].cells
    assert len(cells) == 8
    assert set(cells["status"]) == {"done"}
    assert set(cells["loss.adversarial"]) == {"vanilla", "lsgan"}
    assert cells["psnr"].between(5, 30).all()


def test_measurements_are_the_figures_of_cells_with_their_intervals(page: dict[str, Any]):
    study = page["study"]
    psnr = study.measurements.query("metric == 'psnr' and weights == 'ema'").set_index("cell")
    pd.testing.assert_series_equal(psnr["value"], study.cells["psnr"], check_names=False)
    assert (psnr["low"] < psnr["value"]).all()
    assert set(psnr["unit"]) == {"dB"}
    assert set(psnr["set"]) == {"test"}


def test_images_average_to_the_figures_of_their_cell(page: dict[str, Any]):
    study = page["study"]
    means = study.images.query("weights == 'ema'").groupby("cell")["psnr"].mean()
    pd.testing.assert_series_equal(means, study.cells["psnr"].loc[means.index], check_names=False)


def test_contrasts_are_differences_of_arms(page: dict[str, Any]):
    study = page["study"]
    (row,) = study.contrasts("psnr").query("axis == 'adversarial'").to_dict("records")
    means = study.cells.groupby("loss.adversarial")["psnr"].mean()
    assert row["difference"] == pytest.approx(means["lsgan"] - means["vanilla"])
    assert (row["verdict"], row["reason"]) == ("inconclusive", "seeds")
    assert row["claim_p"] >= 0.25  # two seeds cannot say more
    with pytest.raises(ValueError, match="'colour' was not compared"):
        study.contrasts("colour")


def test_a_codecs_files_decode_to_its_reconstruction(page: dict[str, Any]):
    codec = page["codec"]
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 50, 70), dtype=np.uint8))
    decoded = codec.decompress(codec.compress(image))
    assert torch.equal(to_uint8(codec(to_float(image[None])))[0], decoded)
    assert codec.compress(image.permute(1, 2, 0).numpy()) == codec.compress(image)


def test_the_exported_networks_are_those_of_the_codec(page: dict[str, Any], directory: Path, monkeypatch):
    """The page has run them; here by the command, against torch."""
    monkeypatch.chdir(directory)
    codec = page["codec"]
    done = CliRunner().invoke(app, ["export", "--format", "onnx", "--cell", codec.cell, "-o", "again"])
    assert done.output.split() == ["again/encoder.onnx", "again/generator.onnx", "again/codec.json"]
    for name in ("encoder.onnx", "generator.onnx", "codec.json"):
        assert (directory / "again" / name).read_bytes() == (directory / "codec" / name).read_bytes()
    given = torch.from_numpy(page["given"])
    assert np.abs(codec(given).numpy() - page["made"]).mean() < 1e-3
    with pytest.raises(ValueError, match="a codec is exported as \"onnx\", not as 'tflite'"):
        codec.export("tflite")


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), torch.zeros(3, 8, 8), np.zeros((8, 8, 4), np.uint8)])
def test_what_is_no_image_is_refused(page: dict[str, Any], wrong: Any):
    with pytest.raises(ValueError, match="expected a path, an image of Pillow"):
        page["codec"].compress(wrong)


def test_integers_are_no_batch(page: dict[str, Any]):
    with pytest.raises(ValueError, match=r"expected floats \(N, 3, H, W\)"):
        page["codec"](torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_a_grid_that_differs_from_its_file_is_not_written_over_it(directory: Path, page: dict[str, Any], monkeypatch):
    monkeypatch.chdir(directory)
    with pytest.raises(ValueError, match=r"losses\.toml is there already"):
        ablate.Grid("losses", axes={"loss.adversarial": ["hinge"]}).write()


def test_what_seeds_have_beside_their_values_is_written_beside_them():
    grid = ablate.Grid("g", seeds=range(3), tables={"seeds": {"aa": True}})
    assert tomllib.loads(grid.toml)["seeds"] == {"values": [0, 1, 2], "aa": True}


@pytest.mark.parametrize("table", [{"name": "x"}, {"base": {}}, {"axes": {}}, {"seeds": {"values": [1]}}])
def test_a_table_that_has_a_field_of_its_own_is_refused(table: dict[str, Any]):
    name = next(iter(table))
    with pytest.raises(ValueError, match=rf"'{name}', which is given as Grid\({name}="):
        ablate.Grid("g", tables=table)


def test_a_script_without_a_main_guard_trains(directory: Path, page: dict[str, Any]):
    """Workers do not import the script again, which would start it again in each of them."""
    script = directory / "script.py"
    script.write_text(
        "import ablate\nprint('begin')\n"
        "base = {'preset': 'tiny', 'train': {'steps': 2, 'warmup_steps': 0}, 'data': {'crop': 32, 'batch_size': 2}}\n"
        "print(ablate.run(ablate.Grid('one', base=base), references=False))\n"
    )
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begin") == 1
    assert "1 of 1 cells done" in done.stdout


def test_importing_brings_nothing_heavy():
    heavy = {"torch", "numpy", "pandas", "pydantic", "typer"}
    code = f"import sys, ablate; assert not {heavy} & set(sys.modules); ablate.open"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, check=True)


def test_windows_is_told_what_it_lacks_before_anything_fails_for_it():
    code = "import sys, ablate; ablate.losses.adversarial('lsgan'); sys.platform = 'win32'; ablate.open"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: ablate needs file locks and forked processes")
    assert "run it in WSL" in done.stderr
