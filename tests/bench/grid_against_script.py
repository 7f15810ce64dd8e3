"""How many times as fast as a plain script `ablate run` is on a whole grid: python -m tests.bench.grid_against_script.

Runs grids/quickstart.toml, evaluation included, and tests/bench/plain_script.py, which does the same work, in turn and
in processes of their own. Prints the ratio on the wall clock, which says something only where nothing else runs:
workers are children of a fork server, so that their processor time cannot be read here.

Then both's figures. Crops are drawn in another way, so that what must be equal is their mean over seeds, and a single
seed moves by more than a decibel: --grid tests/bench/one_cell.toml compares eight.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ablate.cores import cores

GRID = Path(__file__).parents[2] / "grids" / "quickstart.toml"
SHOWN = ("psnr", "ms_ssim", "bpp_actual")


def timed(command: Sequence[str], threads: int) -> float:
    """Returns the seconds of a command on the wall clock."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    return time.monotonic() - began


def run(grid: Path, directory: Path, limit: int) -> tuple[float, dict[str, dict[str, float]]]:
    """Runs the grid; returns its seconds, and the figures of the raw weights by cell."""
    command = [sys.executable, "-m", "ablate", "run", str(grid), "--runs-dir", str(directory)]
    taken = timed([*command, "--no-references", "--no-progress", *(["--limit", str(limit)] if limit else [])], 1)
    figures = {}
    for path in directory.glob("**/result.json"):
        result = json.loads(path.read_text())
        cell = path.with_name("cell.json")
        if "raw" in result.get("metrics", {}) and cell.exists():
            settings = json.loads(cell.read_text())["cell"]
            loss, scales = settings["loss"], settings["discriminator"]["scales"]
            name = f"{loss['adversarial']['name']}, {scales} scales, lambda_x {loss['lambda_x']:g}"
            label = f"{name}, seed {settings['seed']}"
            figures[label] = result["metrics"]["raw"]
    return taken, figures


def script(grid: Path, directory: Path, limit: int) -> tuple[float, dict[str, dict[str, float]]]:
    """Runs the plain script on all cores; returns as `run`."""
    out = directory / "figures.json"
    taken = timed([sys.executable, "-m", "tests.bench.plain_script", str(grid), str(out), str(limit)], cores())
    return taken, {label: figures["raw"] for label, figures in json.loads(out.read_text()).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--grid", type=Path, default=GRID)
    parser.add_argument("--limit", type=int, default=0, help="so many cells of the grid alone")
    options = parser.parse_args()
    ratios = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("run", "script"):
                (Path(directory) / name).mkdir()
            ours, mine = run(options.grid, Path(directory) / "run", options.limit)
            theirs, other = script(options.grid, Path(directory) / "script", options.limit)
        ratios.append(theirs / ours)
        print(
            f"round {number + 1}: ablate run {ours:.0f} s, the script {theirs:.0f} s: {theirs / ours:.2f}x",
            flush=True,
        )
    print(f"median {statistics.median(ratios):.2f}x, {min(ratios):.2f} to {max(ratios):.2f}")
    compare(mine, other)


def compare(mine: dict[str, dict[str, float]], other: dict[str, dict[str, float]]) -> None:
    """Prints both's figures by cell, and the difference of their means over seeds with its standard error."""
    if mine.keys() != other.keys():
        raise SystemExit(f"not the same cells: {sorted(mine.keys() ^ other.keys())}")
    for label in sorted(mine):
        told = ", ".join(f"{key} {mine[label][key]:.3f} and {other[label][key]:.3f}" for key in SHOWN)
        print(f"  {label}: {told}")
    seeds = sorted({label.rpartition(" ")[2] for label in mine})
    for key in SHOWN:
        # Cells of a seed share a warm-up and are no draws of their own.
        ours, theirs = (
            [statistics.mean(cells[label][key] for label in cells if label.endswith(f" {seed}")) for seed in seeds]
            for cells in (mine, other)
        )
        error = "one seed says nothing"
        if len(seeds) > 1:
            variance = statistics.variance(ours) + statistics.variance(theirs)
            error = f"standard error {(variance / len(seeds)) ** 0.5:.3f} over {len(seeds)} seeds"
        print(f"  {key}: the script's is {statistics.mean(theirs) - statistics.mean(ours):+.3f} in mean; {error}")


if __name__ == "__main__":
    main()
