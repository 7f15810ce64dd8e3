"""Eight runners on one store at once, with and without kills: each cell is trained once, to the same bits."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Generator
from pathlib import Path

from tests.execute.outcomes import differences, outcome, torn
from tests.torture.children import Children
from tests.torture.kills import Runs, choose
from tests.torture.tally import Tally

RUNNERS = 8
BUSY = 75
PATIENCE_SECONDS = 900.0


def rounds(directory: Path, children: Children, count: int, seed: int, *, runners: int = RUNNERS) -> Generator[Tally]:
    """Lets several runners share a grid `count` times; in every second round one process after the other is killed."""
    runs = Runs.prepare(directory, children, workers=1)
    text = runs.grid.read_text().replace('["lsgan", "hinge", "wgan"]', '["lsgan", "hinge", "wgan", "vanilla"]')
    runs.grid.write_text(text + "[seeds]\nvalues = [0, 1]\n")
    peaceful = runs.start(directory / "peaceful").ended(PATIENCE_SECONDS)
    assert peaceful.code == 0, peaceful.output
    expected = outcome(directory / "peaceful")
    for number in range(count):
        tally, place = Tally(), directory / f"shared-{number}"
        kills = bool(number % 2)
        case = f"{runners} runners" + (", one process after the other killed" if kills else "")
        codes, output = _share(runs, place, runners, random.Random(f"{seed} {number}") if kills else None)
        attempts = [len(list(path.glob("attempts/*"))) for path in place.glob("*/cells/*")]
        wrong = [*differences(expected, outcome(place)), *torn(place)]
        wrong += [] if kills else [f"{most} attempts at a cell" for most in attempts if most != 1]
        wrong += [f"exit code {code}" for code in codes if code not in (0, BUSY)]
        if wrong or "Traceback" in output:
            tally.fault(case, f"{seed} {number}: {wrong[:5]}: {output[-1500:]}")
        else:
            tally.count(case, "the same bits")
        shutil.rmtree(place)
        yield tally


def _share(runs: Runs, place: Path, runners: int, chance: random.Random | None) -> tuple[list[int | None], str]:
    """Runs the runners to their end; returns their exit codes, without those that were killed, and all they said."""
    started = [runs.start(place) for _ in range(runners)]
    killed = 0
    while chance and killed < runners // 2 and any(each.running for each in started):
        time.sleep(chance.uniform(0.1, 1))
        runner = chance.choice(started)
        if runner.running and (victim := choose(runner, chance)):
            os.kill(victim[1], signal.SIGKILL)
            killed += 1
    ended = [each.ended(PATIENCE_SECONDS) for each in started]
    last = runs.start(place).ended(PATIENCE_SECONDS)  # what killed runners left
    codes = [each.code for each in ended if not (chance and each.code)] + [last.code]
    return codes, "\n".join(each.output for each in (*ended, last))
