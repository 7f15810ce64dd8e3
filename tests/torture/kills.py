"""A runner, its fork server, its workers or what an executor of another kind started, killed at random moments.

Each run is begun again until it is finished; then every metric, image and weight must be that of an undisturbed run,
and no file torn or left over. Processes are forked from one that has imported everything (tests/torture/forks.py).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from tests.execute.killed_at_random import parent
from tests.execute.outcomes import differences, outcome, torn
from tests.execute.processes import eventually
from tests.torture import forks
from tests.torture.children import Children, Started
from tests.torture.small_store import write_inputs
from tests.torture.tally import Tally

EXECUTORS = ("local", "local", "spawned")
"""Of three runs the third has the executor of docs/extending.md, whose workers are killed, too."""
PATIENCE_SECONDS = 600.0
MOST_FAULTS = 5
FORGIVEN = (0, 3)
"""A runner that lives while its workers are killed says in the end that cells failed; run again, they go on."""


@dataclass
class Runs:
    """Starts runs of one grid, each of which goes on while others are started."""

    children: Children
    grid: Path
    directory: Path
    workers: int
    started: int = field(default=0)

    @classmethod
    def prepare(cls, directory: Path, children: Children, workers: int) -> Runs:
        """Writes what they need into a directory, which must be empty, and waits until they can be forked."""
        children.call("time:time")
        forks.write_executor(directory)
        return cls(children, write_inputs(directory), directory, workers)

    def start(self, runs: Path, executor: str = "local") -> Started:
        """Starts a run whose trainings go by the definitions, which they need not choose anew."""
        self.started += 1
        options = ("--no-progress", "--workers", self.workers, "--threads", "1", "--kernels", "eager")
        words = ("run", self.grid, *map(str, options), "--no-references", "--executor", executor, "--runs-dir", runs)
        before = [("tests.torture.forks:install", str(self.directory / forks.EXECUTOR_FILE))]
        return self.children.start(*words, output=self.directory / f"output-{self.started}.txt", before=before)


def rounds(directory: Path, children: Children, count: int, seed: int) -> Generator[Tally]:
    """Kills `count` times in as many runs as it takes, and yields what came of each run."""
    runs = Runs.prepare(directory, children, workers=2)
    runs.grid.write_text(runs.grid.read_text().replace("train.steps = 6", "train.steps = 24"))
    began = time.monotonic()
    peaceful = runs.start(directory / "peaceful").ended(PATIENCE_SECONDS)
    assert peaceful.code == 0, peaceful.output
    seconds = time.monotonic() - began
    expected = outcome(directory / "peaceful")
    chance, number, done = random.Random(seed), 0, 0
    while done < count:
        executor, place = EXECUTORS[number % len(EXECUTORS)], directory / f"killed-{number}"
        killed, faults = _until_finished(runs, place, executor, seconds, chance, count - done)
        faults += [*torn(place), *differences(expected, outcome(place))]
        yield _told(f"seed {seed}, run {number} ({executor})", executor, killed, faults)
        shutil.rmtree(place)
        number, done = number + 1, done + sum(killed.values())


def _told(told: str, executor: str, killed: Counter[str], faults: list[str]) -> Tally:
    tally = Tally()
    outcome_of_all = "in a run with a fault" if faults else "the same bits"
    for victim in killed.elements():
        tally.count(f"{victim}, executor {executor}, killed", outcome_of_all)
    if faults:
        tally.fault(f"runs, executor {executor}, killed", f"{told}: {faults[:5]}")
    return tally


def _until_finished(
    runs: Runs, place: Path, executor: str, seconds: float, chance: random.Random, most: int
) -> tuple[Counter[str], list[str]]:
    """Runs a grid to its end, killing on the way; returns how often whom, and what was wrong on the way."""
    killed: Counter[str] = Counter()
    faults: list[str] = []
    while True:
        runner = runs.start(place, executor)
        while (runner.running and sum(killed.values()) < most) and (victim := _wait(runner, seconds, chance)):
            os.kill(victim[1], signal.SIGKILL)
            killed[victim[0]] += 1
        ended = runner.ended(PATIENCE_SECONDS)
        eventually(lambda runner=runner: not runner.alive, "a process outlived its runner")
        if ended.code == 0:
            return killed, faults
        if "Traceback (most recent" in ended.output or ended.code not in (*FORGIVEN, -signal.SIGKILL):
            faults.append(f"ended with {ended.code}: {ended.output[-1500:]}")
        if len(faults) > MOST_FAULTS:
            return killed, faults


def _wait(runner: Started, seconds: float, chance: random.Random) -> tuple[str, int] | None:
    """Waits a random while, and returns somebody to kill; None where the runner ended before."""
    end = time.monotonic() + chance.uniform(0, seconds / 4)
    while runner.running:
        if time.monotonic() >= end and (victim := choose(runner, chance)):
            return victim
        time.sleep(0.01)
    return None


def choose(runner: Started, chance: random.Random) -> tuple[str, int] | None:
    """Returns a runner, its fork server (which may not have started) or a worker; None where it is just gone."""
    found: dict[str, list[int]] = {"runner": [runner.pid], "fork server": [], "worker": []}
    for pid in runner.alive:
        role = forks.role_of(pid)
        if role == "spawn" or (role == "forkserver" and parent(pid) != runner.pid):
            found["worker"].append(pid)
        elif role == "forkserver":
            found["fork server"].append(pid)
    name = chance.choice(("runner", "fork server", "worker", "worker"))
    return (name, chance.choice(found[name])) if found[name] else None
