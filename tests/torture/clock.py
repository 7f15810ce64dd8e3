"""The clock set back while a training runs and between runs, and files from the future: the same bits come out."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from tests.execute.outcomes import differences, outcome, torn
from tests.torture.children import Children, Ended
from tests.torture.small_store import BASELINE, NAME, make_store
from tests.torture.tally import Tally

DAY = 86_400.0
WAYS = ("an hour back half-way", "a minute back at every look", "1970", "stands still", "a day ahead, then right")


def set_back(way: str) -> None:
    """Lets this process see a clock that is not right; the one that only counts on is left alone."""
    true, looks = time.time, [0]

    def shown() -> float:
        looks[0] += 1
        return {
            WAYS[0]: true() - 3600 * (looks[0] > 20),
            WAYS[1]: true() - 60 * looks[0],
            WAYS[2]: 1.0,
            WAYS[3]: 1.7e9,
            WAYS[4]: true() + DAY * (looks[0] < 20),
        }[way]

    time.time = shown
    time.time_ns = lambda: int(shown() * 1e9)


def rounds(directory: Path, children: Children) -> Generator[Tally]:
    """Trains under each wrong clock, then looks at files whose times lie ahead; yields what came of each."""
    runs = make_store(directory, children)
    grid, found = directory / f"{NAME}.toml", directory / "found"
    jobs, peaceful = "tests.torture.full_disk:do_jobs", directory / "peaceful"
    assert children.call(jobs, str(grid), str(peaceful)).code == 0
    expected = outcome(peaceful)
    for way in WAYS:
        tally = Tally()
        shutil.rmtree(found, ignore_errors=True)
        ended = children.call(jobs, str(grid), str(found), before=[("tests.torture.clock:set_back", way)])
        wrong = [*differences(expected, outcome(found)), *torn(found)]
        if ended.code or wrong:
            tally.fault("training", f"{way}: {ended.code}, {wrong[:5]} {ended.output[-500:]}")
        else:
            tally.count("training", "the same bits")
        yield tally
    yield from _looks(directory, runs, children)


def _looks(directory: Path, runs: Path, children: Children) -> Iterator[Tally]:
    """Compares what commands say under each clock, and of files from the future, with what they say otherwise."""
    commands = {
        "status": ("status", NAME, "--json"),
        "show": ("show", NAME, "--json"),
        "check": ("check", NAME, "--baseline", directory / BASELINE, "--json"),
        "report": ("report", NAME, "--reports-dir", directory / "reports"),
        "plan": ("plan", directory / f"{NAME}.toml"),
    }

    def seen(name: str, *before: tuple[str, str]) -> Ended:
        return children.command(*commands[name], "--runs-dir", runs, before=before)

    right = {name: seen(name) for name in commands}
    for way in (*WAYS, "files of tomorrow"):
        before = [("tests.torture.clock:set_back", way)] if way in WAYS else []
        if way not in WAYS:
            for path in directory.rglob("*"):
                os.utime(path, (time.time() + DAY,) * 2)
        for name in commands:
            tally = Tally()
            found = seen(name, *before)
            if found.is_fault or found.code != right[name].code or found.output != right[name].output:
                tally.fault(name, f"{way}: {found.code}: {found.output[-1500:]}")
            else:
                tally.count(name, "as ever")
            yield tally
