"""Kills real trainings at random moments and compares what comes out with an undisturbed run, bit for bit.

    python -m tests.execute.killed_at_random [--executor local|ray] [--grid FILE] [--kills 20] [--minutes M] [--seed 0]

Trains a grid once in peace on this machine, and once while somebody gets SIGKILL and the run goes on, again and again:
the runner, its fork server or one of its workers; with `--executor ray`, on two Ray nodes, in turn the worker of a
cell, all processes of a node (which joins again) or the run itself. Then every metric, image and weight must be equal
and no file torn. Without `--grid` it is a grid of four small cells, which takes some ten minutes on two cores. After so
many minutes nobody is killed any more. Exits with 1 where something differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.execute.outcomes import differences, outcome, torn
from tests.execute.processes import PythonProcess, eventually, session_of
from tests.execute.ray_nodes import RayNodes

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


class Executor(Protocol):
    """Where a run's cells are trained, and who can be killed there.

    Attributes:
        waits: the shortest and the longest time before a kill, in times that a result takes in peace.
    """

    waits: tuple[float, float]

    def start(self, grid: Path, runs: Path) -> PythonProcess:
        """Starts the run, as a user does."""

    def kill(self, runner: PythonProcess, runs: Path, chance: random.Random) -> str | None:
        """Kills somebody and says whom; None where there is nobody to kill now."""


class Local:
    """Workers of this machine."""

    waits = (0.0, 1.5)

    def start(self, grid: Path, runs: Path, *options: str, **environment: str) -> PythonProcess:
        command = ("-m", "ablate", "run", str(grid), "--no-progress", "--runs-dir", str(runs), *options)
        return PythonProcess(*command, **environment)

    def kill(self, runner: PythonProcess, runs: Path, chance: random.Random) -> str | None:  # noqa: ARG002
        """Kills a runner, its fork server (which may not have started) or a worker."""
        above = {pid: parent(pid) for pid in runner.alive}
        workers = [pid for pid, other in above.items() if other in above and other != runner.process.pid]
        servers = [other for pid, other in above.items() if pid in workers]
        candidates = [("runner", [runner.process.pid]), ("fork server", servers), *[("worker", workers)] * 2]
        name, pids = chance.choice(candidates)
        return name if pids and killed(chance.choice(pids)) else None


class OnRay(Local):
    """A head and a node of Ray on this machine."""

    waits = (0.5, 2.0)

    def __init__(self, nodes: RayNodes) -> None:
        self._nodes = nodes
        self._kinds = itertools.cycle(("worker", "node", "driver"))
        self._next = next(self._kinds)

    def start(self, grid: Path, runs: Path, *options: str, **environment: str) -> PythonProcess:
        more = ("--executor", "ray", "--retries", "10", *options)
        return super().start(grid, runs, *more, **self._nodes.environment, **environment)

    def kill(self, runner: PythonProcess, runs: Path, chance: random.Random) -> str | None:
        kind = self._next
        if kind == "node":
            node = self._nodes.nodes.pop()
            node.end()
            eventually(lambda: not node.alive, "a process of a node is left")
            self._nodes.join()
        else:
            pids = [runner.process.pid] if kind == "driver" else self._workers(runs)
            if not pids or not killed(chance.choice(pids)):
                return None
        self._next = next(self._kinds)
        return kind

    def _workers(self, runs: Path) -> list[int]:
        sessions = {node.process.pid for node in (*self._nodes.nodes, self._nodes.head)}
        starts = [path for path in runs.rglob("start.json") if not (path.parent / "exit.json").exists()]
        return [pid for path in starts if session_of(pid := json.loads(path.read_text())["pid"]) in sessions]


@contextmanager
def executor(name: str) -> Iterator[Executor]:
    """Starts what an executor needs, and leaves nothing of it behind."""
    if name == "local":
        yield Local()
        return
    nodes = RayNodes()
    try:
        nodes.join()
        yield OnRay(nodes)
    finally:
        nodes.end()


def killed(pid: int) -> bool:
    """Says whether there was such a process; it gets SIGKILL."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executor", choices=["local", "ray"], default="local")
    parser.add_argument("--grid", type=Path, help="a grid file in place of the small grid")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        grid = options.grid
        if grid is None:
            grid = Path(directory) / "killed.toml"
            grid.write_text(GRID)
        began = time.monotonic()
        code = Local().start(grid, Path(directory) / "peaceful").code(HOURS)
        seconds = time.monotonic() - began
        expected = outcome(Path(directory) / "peaceful")
        print(f"in peace: exit code {code}, {len(expected)} results, {seconds:.0f} s", flush=True)
        with executor(options.executor) as where:
            runs, chance = Path(directory) / "killed", random.Random(options.seed)
            last = began + 60 * options.minutes
            kills, wrong = kill_often(where, grid, runs, options.kills, last, seconds / len(expected), chance, expected)
    print("\n".join(wrong) or f"{kills} kills: all {len(expected)} results equal, nothing torn")
    return 1 if wrong or code else 0


def kill_often(
    where: Executor,
    grid: Path,
    runs: Path,
    kills: int,
    last: float,
    seconds: float,
    chance: random.Random,
    expected: dict[str, Any],
) -> tuple[int, list[str]]:
    """Kills while there is work, begins anew where a run finished too soon, and lets the last finish.

    Nobody is killed after `last`, a moment of the monotonic clock; in peace a result takes so many `seconds`.
    Returns how often it killed, and what was wrong with any run that finished.
    """
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    runner = where.start(grid, runs)
    while True:
        end = time.monotonic() + (wait := seconds * chance.uniform(*where.waits))
        enough = counts.total() == kills or end > last
        while runner.process.poll() is None and (enough or time.monotonic() < end):
            time.sleep(0.02)
        if runner.process.poll() is None and (victim := where.kill(runner, runs, chance)):
            counts[victim] += 1
            finished = len(list(runs.rglob("result.json")))
            print(f"kill {counts.total()}: {victim} after {wait:.1f} s, {finished} results", flush=True)
            if victim in ("runner", "driver"):
                runner.process.wait()
        if runner.process.poll() is None:
            continue
        if (code := runner.code(HOURS)) > 0:
            print(f"exit code {code}:", *runner.lines[-5:], sep="\n", flush=True)
        eventually(lambda ended=runner: not ended.alive, "a process outlived its runner")
        if code == 0:
            wrong += [*torn(runs), *differences(expected, outcome(runs))]
            if enough:
                break
            shutil.rmtree(runs)
            print("finished: once more from the start", flush=True)
        runner = where.start(grid, runs)
    print(dict(counts), flush=True)
    return counts.total(), wrong


if __name__ == "__main__":
    sys.exit(main())
