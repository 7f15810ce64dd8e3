"""Runs of Trackio as its own storage finds them; in a process of its own, since it reads TRACKIO_DIR at import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trackio")

SCRIPT = """
import json, sys
from pathlib import Path
from trackio import SQLiteStorage
from ablate.records import Status
from tests.trackers.attempts import attempt, made_entry

entry = made_entry(Path(sys.argv[1]))
attempt(entry, ["trackio"], 0, [1, 4, 8], Status.interrupted)
attempt(entry, ["trackio"], 4, [8, 12], Status.done, {"ema": {"psnr": 30.5, "ms_ssim": None}})
assert list(entry.events()) == [], "no tracker failed"
(name,) = SQLiteStorage.get_runs("losses")
told = {"logs": SQLiteStorage.get_logs("losses", name), "config": SQLiteStorage.get_run_config("losses", name)}
Path(sys.argv[1], "told.json").write_text(json.dumps({"name": name, **told}, default=str))
"""


def test_a_training_that_goes_on_is_one_run_with_every_log_point_once(tmp_path: Path):
    root = Path(__file__).parents[2]
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path / "trackio"), "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "told.json").read_text())
    assert found["name"] == "hinge seed=0 0123456789ab"
    told = [(row["step"], row["loss/generator"]) for row in found["logs"] if "loss/generator" in row]
    assert told == [(step, 1 / step) for step in (1, 4, 8, 12)]
    assert [row["step"] for row in found["logs"] if "test/lena" in row] == [12]
    assert [row["final/ema/psnr"] for row in found["logs"] if "final/ema/psnr" in row] == [30.5]
    assert found["config"]["loss.lambda_x"] == 12.0
