"""How much processor time a tracker costs: a grid of 12 cells with and without, which shall differ by less than 2 %.

    python -m tests.bench.tracker_share [TRACKER]... [--rounds N]

Runs grids/quickstart.toml, all its 12 cells, without a tracker and with each one, in turn and in processes of their own
that share a warm cache of images, and adds up the processor time of the run and all its children. Beside the ratios,
which another process on the machine moves by some percent, stands what was counted inside: the processor time of the
calls that the trackers got, and of importing them once, as a share of the whole.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

GRID = Path(__file__).parents[2] / "grids" / "quickstart.toml"
COUNTED = """
import atexit, os, sys, time
from pathlib import Path

from ablate.trackers import tracking

def counted(function):
    def timed(*given):
        began = time.process_time()
        try:
            return function(*given)
        finally:
            with open(os.environ["COUNTED"], "a") as file:
                print(time.process_time() - began, file=file)
    return timed

if "COUNTED" in os.environ:
    tracking.Tracking.begin = counted(tracking.Tracking.begin)
    tracking.Tracking._tell = counted(tracking.Tracking._tell)
"""
"""A module of the installed kind that workers load before a training: what trackers are told runs in workers alone."""


def run(directory: Path, runs: Path, tracker: str | None) -> tuple[float, float]:
    """Runs the grid; returns the processor seconds of all its processes, and those inside the calls to trackers."""
    path = directory / "counted.txt"
    path.write_text("")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "COUNTED": str(path),
        "TRACKIO_DIR": str(directory / "trackio"),
    }
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(directory), str(GRID.parents[1]), environment.get("PYTHONPATH", "")]
    )
    command = [sys.executable, "-m", "ablate", "run", str(GRID), "--runs-dir", str(runs), "--no-progress"]
    before = os.times()
    subprocess.run(
        [*command, "--no-references", *(["--track", tracker] if tracker else [])],
        check=True, stdout=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    after = os.times()
    whole = after.children_user + after.children_system - before.children_user - before.children_system
    return whole, sum(map(float, path.read_text().split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trackers", nargs="*", default=["tensorboard", "mlflow"])
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    ratios: dict[str, list[float]] = {name: [] for name in options.trackers}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place)
            installed(directory)
            alone, _ = run(directory, directory / "alone", None)
            for name in options.trackers:
                whole, inside = run(directory, directory / name, name)
                ratios[name].append(whole / alone)
                print(
                    f"round {number + 1}: {alone:.1f} s of processor time without, {whole:.1f} s with {name} "
                    f"({100 * (whole / alone - 1):+.1f} %), of which {inside:.2f} s inside its calls "
                    f"({100 * inside / whole:.2f} %)",
                    flush=True,
                )
    for name, found in ratios.items():
        print(f"{name}: median {100 * (statistics.median(found) - 1):+.1f} %")


def installed(directory: Path) -> None:
    """Leaves the counting module where the run finds it as an installed plugin."""
    (directory / "counted_trackers.py").write_text(COUNTED)
    facts = directory / "counted-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: counted\nVersion: 1.0\n")
    (facts / "RECORD").write_text("counted_trackers.py,,\n")
    (facts / "entry_points.txt").write_text("[ablate.plugins]\ncounted = counted_trackers\n")


if __name__ == "__main__":
    main()
