"""Times `ablate status GRID --json` over 1,000 finished cells; it shall take less than half a second.

    python tests/bench/status_of_1000_cells.py

Makes a grid of 1,000 cells on the shipped photographs, fabricates their results in a temporary directory, and runs the
command as a user does, in a process of its own. Prints the median and the fastest of several runs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ablate.execute import load_plan
from ablate.store import Store

GRID = """
schema = 1
name = "thousand"
[base]
preset = "tiny"
train.warmup_steps = 100
[axes]
"loss.adversarial" = ["vanilla", "hinge"]
"discriminator.scales" = [1, 3]
[seeds]
count = 250
"""
METRICS = dict.fromkeys(("psnr", "ms_ssim", "bpp_bound", "bpp_entropy", "bpp_actual", "fd_lite0_112"), 0.123456789)
RESULT = {
    "schema": 1,
    "status": "done",
    "step": 1000,
    "cause": None,
    "seconds": 123.4,
    "train_seconds": 100.0,
    "eval_seconds": 23.4,
    "metrics": {"raw": METRICS, "ema": METRICS},
    "environment": {"torch": "2.11.0", "device": "cpu", "threads": 1, "fingerprint": "feedfeedfeed"},
    "artefacts": {f"eval/recon/{weights}/{image}.png": "0" * 64 for weights in ("raw", "ema") for image in range(3)},
}
RUNS = 7


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        grid, runs = Path(directory) / "thousand.toml", Path(directory) / "runs"
        grid.write_text(GRID)
        plan = load_plan(grid, runs)
        store = Store(runs, plan.name)
        plan.write(store)
        for point in plan.points:
            entry = store.cell(point.id)
            entry.path.mkdir(parents=True)
            # Not through commit: a thousand durable files take half a minute, and are not what is timed.
            (entry.path / "result.json").write_text(json.dumps(RESULT | {"id": point.id}, indent=1))
        command = [sys.executable, "-m", "ablate", "status", str(grid), "--json", "--runs-dir", str(runs)]
        seconds = []
        for _ in range(RUNS):
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, check=True)
            seconds.append(time.perf_counter() - began)
        assert json.loads(done.stdout)["done"] == len(plan.points) == 1000
    print(f"ablate status, 1,000 finished cells: median {statistics.median(seconds):.3f} s, best {min(seconds):.3f} s")


if __name__ == "__main__":
    main()
