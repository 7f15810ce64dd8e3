"""What `ablate plan` of 100,000 cells takes; it shall be under 20 s of processor time and 600 MB.

    python tests/bench/plan_of_100000_cells.py

Runs the command as a user does, in a process of its own, on a grid of 1,000 arms and 100 seeds; then on one of 2 cells,
which tells what the imports take, and imports torch alone, whose libraries for CUDA are the most of that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

GRID = """
schema = 1
name = "large"
[base]
preset = "tiny"
train.warmup_steps = 100
[axes]
"loss.adversarial" = {losses}
"discriminator.scales" = [1, 2]
"loss.lambda_x" = {{ log = [1.0, 48.0], num = {num} }}
[seeds]
count = {seeds}
"""


def cost(command: list[str]) -> tuple[float, float]:
    """Runs a command; returns its seconds of processor time and its largest resident set in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"{command} failed"
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "large.toml"
        command = [sys.executable, "-m", "ablate", "plan", str(path), "--runs-dir", str(Path(directory) / "runs")]
        path.write_text(GRID.format(losses='["vanilla", "lsgan", "hinge", "wgan", "rp_vanilla"]', num=100, seeds=100))
        seconds, megabytes = cost(command)
        path.write_text(GRID.format(losses='["vanilla"]', num=2, seeds=1))
        few_seconds, few = cost(command)
    _, torch = cost([sys.executable, "-c", "import torch"])
    print(f"ablate plan, 100,000 cells: {seconds:.1f} s of processor time, {megabytes:.0f} MB")
    print(f"of 4 cells: {few_seconds:.1f} s, {few:.0f} MB, so that a cell takes {(megabytes - few) * 10:.0f} bytes")
    print(f"import torch alone: {torch:.0f} MB")


if __name__ == "__main__":
    main()
