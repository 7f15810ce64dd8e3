"""Compares `ablate run` with two workers to one; two shall finish at least 1.6 times as fast on two cores.

    python -m tests.bench.two_workers [GRID] [--rounds 3]

Runs the grid (grids/quickstart.toml) whole with one worker and with two, in turn, each into a store of its own, and
prints the seconds and their ratio. Every worker has one thread, as is the default; the start and a shared warm-up
are part of the whole.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", nargs="?", default="grids/quickstart.toml")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ratios = []
    for _ in range(options.rounds):
        one, two = seconds(options.grid, 1), seconds(options.grid, 2)
        ratios.append(one / two)
        print(f"one worker {one:.0f} s, two workers {two:.0f} s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"ratio: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


def seconds(grid: str, workers: int) -> float:
    """Returns how long the whole grid takes."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "ablate", "run", grid, "--workers", str(workers), "--runs-dir", runs]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
