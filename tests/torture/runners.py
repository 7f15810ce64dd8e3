"""Eight runners on one store at once, with and without kills: each cell is trained once, to the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from ablate.store import Store
from tests.execute.killed_at_random import choose, differences, outcome, torn
from tests.execute.processes import PythonProcess
from tests.torture.small_store import NAME, write_inputs
from tests.torture.tally import Tally

RUNNERS = 8
BUSY = 75
PATIENCE_SECONDS = 900.0


def start(grid: Path, runs: Path) -> PythonProcess:
    """Starts a runner with one worker that trains by the definitions, which it need not choose anew."""
    options = ("--no-progress", "--workers", "1", "--threads", "1", "--kernels", "eager", "--runs-dir", str(runs))
    return PythonProcess("-m", "ablate", "run", str(grid), *options)


def rounds(directory: Path, count: int, seed: int, *, runners: int = RUNNERS) -> Iterator[Tally]:
    """Lets several runners share a grid `count` times; in every second round one process after the other is killed."""
    grid = write_inputs(directory)
    text = grid.read_text().replace('["lsgan", "hinge", "wgan"]', '["lsgan", "hinge", "wgan", "vanilla"]')
    grid.write_text(text + "[seeds]\nvalues = [0, 1]\n")
    peaceful = start(grid, directory / "peaceful")
    assert peaceful.code(PATIENCE_SECONDS) == 0, peaceful.lines
    expected = outcome(Store(directory / "peaceful", NAME))
    for number in range(count):
        tally, runs = Tally(), directory / f"shared-{number}"
        kills = bool(number % 2)
        case = f"{runners} runners" + (", one process after the other killed" if kills else "")
        codes, output = _share(grid, runs, runners, random.Random(f"{seed} {number}") if kills else None)
        attempts = [len(list(path.glob("attempts/*"))) for path in runs.glob("*/cells/*")]
        wrong = [*differences(expected, outcome(Store(runs, NAME))), *torn(runs)]
        wrong += [] if kills else [f"{most} attempts at a cell" for most in attempts if most != 1]
        wrong += [f"exit code {code}" for code in codes if code not in (0, BUSY)]
        if wrong or "Traceback" in output:
            tally.fault(case, f"{seed} {number}: {wrong[:5]}: {output[-1500:]}")
        else:
            tally.count(case, "the same bits")
        yield tally


def _share(grid: Path, runs: Path, runners: int, chance: random.Random | None) -> tuple[list[int], str]:
    """Runs the runners to their end; returns their exit codes, without those that were killed, and all they said."""
    started = [start(grid, runs) for _ in range(runners)]
    killed = 0
    while chance and killed < runners // 2 and any(each.process.poll() is None for each in started):
        time.sleep(chance.uniform(0.2, 3))
        runner = chance.choice(started)
        if runner.process.poll() is None and (victim := choose(runner.process.pid, runner.alive, chance)):
            os.kill(victim[1], signal.SIGKILL)
            killed += 1
    codes = [each.code(PATIENCE_SECONDS) for each in started]
    last = start(grid, runs)  # what killed runners left
    codes = [code for code in codes if not (chance and code)] + [last.code(PATIENCE_SECONDS)]
    return codes, "\n".join(line for each in (*started, last) for line in each.lines)
