"""How much processor time a tracker costs: a grid of 12 cells with and without, which shall differ by less than 2 %.

    python -m tests.bench.tracker_share [TRACKER]... [--rounds N]

Runs grids/quickstart.toml, all its 12 cells, without a tracker and with each one, in turn, and adds up the processor
time of the run and of all its workers. Beside the ratios, which another process on the machine moves by some percent,
stands what was counted inside: the processor time of the calls that the trackers got, and of importing what they need,
which the process that workers are forked from does once.
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
import multiprocessing, os, time
from multiprocessing.util import Finalize

from ablate.trackers import tracking

def noted(kind, seconds):
    with open(os.environ["COUNTED"], "a") as file:
        print(kind, seconds, file=file)

def counted(function):
    def timed(*given):
        began = time.process_time()
        try:
            return function(*given)
        finally:
            noted("inside", time.process_time() - began)
    return timed

if multiprocessing.parent_process() is not None:
    Finalize(None, lambda: noted("worker", time.process_time()), exitpriority=0)
    tracking.Tracking.begin = counted(tracking.Tracking.begin)
    tracking.Tracking._tell = counted(tracking.Tracking._tell)
"""
"""A module of the installed kind, which workers load before a training. The process that they are forked from is not
waited for, so that each worker says itself what it took."""
IMPORTED = """
import sys, time
from ablate.execute.work import PRELOAD
from ablate.trackers.catalogue import modules
for name in PRELOAD:
    __import__(name)
began = time.process_time()
for name in modules(sys.argv[1:]):
    __import__(name)
print(time.process_time() - began)
"""


def run(directory: Path, runs: Path, tracker: str | None) -> tuple[float, float]:
    """Runs the grid; returns the processor seconds of all its processes, and those that are the tracker's."""
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
    runner = after.children_user + after.children_system - before.children_user - before.children_system
    told = [line.split() for line in path.read_text().splitlines()]
    workers, inside = (sum(float(s) for kind, s in told if kind == wanted) for wanted in ("worker", "inside"))
    once = imports(tracker, environment) if tracker else 0.0
    return runner + workers + once, inside + once


def imports(tracker: str, environment: dict[str, str]) -> float:
    """Returns the processor seconds of importing what a tracker needs."""
    command = [sys.executable, "-W", "ignore", "-c", IMPORTED, tracker]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


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
                    f"({100 * (whole / alone - 1):+.1f} %), of which {inside:.2f} s its own "
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
