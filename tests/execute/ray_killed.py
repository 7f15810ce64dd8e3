"""Two Ray nodes run a real grid while a worker, then a node, then the driver is killed, again and again.

    python -m tests.execute.ray_killed [--kills 20] [--seed 0]

The small grid of `killed_at_random` is trained once in peace by this machine, and then by Ray while processes are
killed at random moments: the worker of a cell, all processes of a node (which then joins again), or the run itself
(which is then started again). Results must be equal to the local ones bit for bit, and no file torn. Some ten minutes
on two cores. Exits with 1 where something differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ablate.store import Store
from tests.execute.killed_at_random import GRID, HOURS, differences, outcome, start, torn
from tests.execute.processes import PythonProcess, eventually, session_of
from tests.execute.ray_nodes import RayNodes

VICTIMS = ("worker", "node", "driver")


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
        expected = outcome(Store(peaceful, "killed"))
        nodes = RayNodes()
        try:
            nodes.join()
            wrong = kill_often(grid, killed, nodes, options.kills, seconds, random.Random(options.seed), expected)
        finally:
            nodes.end()
    print("\n".join(wrong) or f"{options.kills} kills: all {len(expected)} results equal, nothing torn")
    return 1 if wrong or code else 0


def kill_often(
    grid: Path, runs: Path, nodes: RayNodes, kills: int, seconds: float, moments: random.Random, expected: dict
) -> list[str]:
    """Kills that many times, begins anew where a run finished too soon, and returns what was wrong with any of them."""
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    kinds = itertools.cycle(VICTIMS)
    kind = next(kinds)
    driver = on_ray(grid, runs, nodes)
    while counts.total() < kills:
        wait = moments.uniform(seconds / 8, seconds / 2)
        end = time.monotonic() + wait
        while time.monotonic() < end and driver.process.poll() is None:
            time.sleep(0.05)
        if driver.process.poll() is None and kill(kind, driver, nodes, runs, moments):
            counts[kind] += 1
            finished = len(list(runs.rglob("result.json")))
            print(f"kill {counts.total()}: {kind} after {wait:.1f} s, {finished} results", flush=True)
            kind = next(kinds)
        if driver.process.poll() is not None:
            code = driver.code()
            if code == 0:
                wrong += check(runs, expected)
                shutil.rmtree(runs)
                print("finished: once more from the start", flush=True)
            elif code > 0:
                print(f"exit code {code}:", *driver.lines[-5:], sep="\n", flush=True)
            driver = on_ray(grid, runs, nodes)
    while code := driver.code(HOURS):
        print(f"exit code {code}:", *driver.lines[-5:], sep="\n", flush=True)
        driver = on_ray(grid, runs, nodes)
    print(dict(counts), flush=True)
    return wrong + check(runs, expected)


def on_ray(grid: Path, runs: Path, nodes: RayNodes) -> PythonProcess:
    """Starts the run, as a user does."""
    options = ("--no-progress", "--runs-dir", str(runs), "--executor", "ray", "--retries", "10")
    return PythonProcess("-m", "ablate", "run", str(grid), *options, **nodes.environment)


def kill(kind: str, driver: PythonProcess, nodes: RayNodes, runs: Path, moments: random.Random) -> bool:
    """Kills a process, or all of a node; says whether there was one. A node that died joins again."""
    if kind == "driver":
        os.kill(driver.process.pid, signal.SIGKILL)
        driver.process.wait()
        return True
    if kind == "node":
        node = nodes.nodes.pop()
        node.end()
        eventually(lambda: not node.alive, "a process of a node is left")
        nodes.join()
        return True
    sessions = {node.process.pid for node in (*nodes.nodes, nodes.head)}
    starts = [path for path in runs.rglob("start.json") if not (path.parent / "exit.json").exists()]
    pids = [json.loads(path.read_text())["pid"] for path in starts]
    workers = [pid for pid in pids if session_of(pid) in sessions]
    if not workers:
        return False
    os.kill(moments.choice(workers), signal.SIGKILL)
    return True


def check(runs: Path, expected: dict) -> list[str]:
    """Returns what differs from the local results, and what is torn."""
    return [*torn(runs), *differences(expected, outcome(Store(runs, "killed")))]


if __name__ == "__main__":
    sys.exit(main())
