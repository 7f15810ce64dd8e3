"""Kills real trainings at random moments and compares what comes out with an undisturbed run, bit for bit.

    python -m tests.execute.killed_at_random [--kills 20] [--seed 0]

Trains a small grid on the shipped photographs once in peace and once while the runner, its fork server or one of its
workers gets SIGKILL, and is run again until it is finished. Then every metric, image and weight must be equal and no
file torn. Too long for every test run: some ten minutes on two cores. Exits with 1 where something differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ablate.records.rows import read_rows
from ablate.store import Entry, Store
from tests.execute.processes import PythonProcess, eventually

GRID = """
schema = 1
name = "killed"
[base]
preset = "tiny"
model.width = 8
discriminator.width = 8
data.crop = 32
train.steps = 60
train.warmup_steps = 60
train.checkpoint_every = 5
[axes]
"loss.adversarial" = ["lsgan", "hinge"]
"discriminator.scales" = [1, 2]
"""
HOURS = 3600.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        grid = Path(directory) / "killed.toml"
        grid.write_text(GRID)
        peaceful, killed = Path(directory) / "peaceful", Path(directory) / "killed"
        began = time.monotonic()
        code = start(grid, peaceful).code(HOURS)
        seconds = time.monotonic() - began
        print(f"in peace: exit code {code}, {seconds:.0f} s", flush=True)
        kill_often(grid, killed, options.kills, seconds, random.Random(options.seed))
        expected = outcome(Store(peaceful, "killed"))
        wrong = [*torn(killed), *differences(expected, outcome(Store(killed, "killed")))]
    print("\n".join(wrong) or f"{options.kills} kills: all {len(expected)} results equal, nothing torn")
    return 1 if wrong or code else 0


def start(grid: Path, runs: Path) -> PythonProcess:
    return PythonProcess("-m", "ablate", "run", str(grid), "--no-progress", "--runs-dir", str(runs))


def kill_often(grid: Path, runs: Path, kills: int, seconds: float, moments: random.Random) -> None:
    """Kills that many times while there is work, then lets the run finish; begins anew where it finished too soon."""
    runner = start(grid, runs)
    done = 0
    while done < kills:
        wait = moments.uniform(0, seconds / 3)
        end = time.monotonic() + wait
        while time.monotonic() < end and runner.process.poll() is None:
            time.sleep(0.02)
        if runner.process.poll() is None and (victim := choose(runner.process.pid, runner.alive, moments)):
            name, pid = victim
            os.kill(pid, signal.SIGKILL)
            done += 1
            finished = len(list(runs.rglob("result.json")))
            print(f"kill {done}: {name} after {wait:.1f} s, {finished} results", flush=True)
            if pid == runner.process.pid:
                runner.process.wait()
        if runner.process.poll() is not None:
            eventually(lambda ended=runner: not ended.alive, "a process outlived its runner")
            runner.end()
            if runner.process.returncode == 0:
                shutil.rmtree(runs)
                print("finished: once more from the start", flush=True)
            runner = start(grid, runs)
    while runner.code(HOURS):
        runner = start(grid, runs)


def choose(runner: int, alive: Sequence[int], moments: random.Random) -> tuple[str, int] | None:
    """Returns a runner, its fork server (which may not have started) or a worker; None where it is just gone."""
    children = {pid: parent(pid) for pid in alive}
    workers = [pid for pid, above in children.items() if above in children and above != runner]
    servers = [above for pid, above in children.items() if pid in workers]
    candidates = [("runner", [runner]), ("fork server", servers), ("worker", workers), ("worker", workers)]
    name, pids = moments.choice(candidates)
    return (name, moments.choice(pids)) if pids else None


def parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def outcome(store: Store) -> dict[str, Any]:
    """Returns what each cell and warm-up came to: metrics, steps, files by their hashes, curves without the clock."""
    return {path.parent.name: _entry(Entry(path.parent)) for path in sorted(store.root.rglob("result.json"))}


def _entry(entry: Entry) -> dict[str, Any]:
    result = entry.result().plain()
    rows = [{key: value for key, value in row.plain().items() if key not in CLOCK} for row in entry.metrics()]
    made = {name: digest for name, digest in result["artefacts"].items() if name.startswith(("weights.pt", "eval/"))}
    kept = {key: result.get(key) for key in ("status", "step", "metrics", "protocol")}
    return kept | {"artefacts": made, "rows": rows}


CLOCK = ("t", "steps_per_second", "attempt")


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Names every result that is missing, new or different, and in what."""
    return [
        f"{name}: {key} differs"
        for name in sorted(expected.keys() | found.keys())
        for key in sorted(expected.get(name, {}).keys() | found.get(name, {}).keys())
        if expected.get(name, {}).get(key) != found.get(name, {}).get(key)
    ]


def torn(root: Path) -> list[str]:
    """Names every file that cannot be read whole, and every temporary file that a killed writer left in an entry.

    One killed between a result and the end of its attempt leaves a finished entry, which nobody claims and sweeps;
    what lies beside entries has no lock, and is swept once its writer must be dead.
    """
    readers = {
        ".json": lambda path: json.loads(path.read_text()),
        ".jsonl": read_rows,
        ".csv": _rows,
        ".png": _load,
    }
    entries = [path.parent for path in root.rglob("metrics.jsonl")]
    left = [path for entry in entries for path in entry.rglob(".*.tmp") if not path.name.startswith(".exit.json.")]
    wrong = [f"{path} was left" for path in left]
    for path in root.rglob("[!.]*.*"):
        try:
            readers.get(path.suffix, Path.stat)(path)
        except (OSError, ValueError) as error:
            wrong.append(f"{path} is torn: {error}")
    return wrong


def _rows(path: Path) -> None:
    rows = list(csv.reader(path.read_text().splitlines()))
    if len({len(row) for row in rows}) != 1:
        raise ValueError("rows of different lengths")


def _load(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


if __name__ == "__main__":
    sys.exit(main())
