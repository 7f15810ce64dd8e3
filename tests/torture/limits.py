"""File descriptors and memory run out: a command says so in a sentence, and a training goes on afterwards."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from tests.execute.outcomes import differences, outcome, torn
from tests.torture.children import Children
from tests.torture.small_store import BASELINE, NAME, make_store
from tests.torture.tally import Tally

DESCRIPTORS = (4, 5, 6, 7, 8, 10, 12, 16, 24, 32)
MEGABYTES = (0, 1, 2, 4, 8, 16, 32, 64, 128)
"""Memory beyond what the process has when it starts."""


def limit_memory(megabytes: int) -> None:
    """Lets this process have so much more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def rounds(directory: Path, children: Children) -> Generator[Tally]:
    """Lets every command, and the jobs of a worker, run under each limit; yields what came of each."""
    grid = directory / f"{NAME}.toml"
    runs = make_store(directory, children)
    commands = {
        "status": ("status", NAME),
        "show": ("show", NAME),
        "plan": ("plan", grid),
        "check": ("check", NAME, "--baseline", directory / BASELINE),
        "report": ("report", NAME, "--reports-dir", directory / "reports"),
    }
    for case, options in _limits():
        for name, words in commands.items():
            tally = Tally()
            ended = children.command(*words, "--runs-dir", runs, **options)
            if ended.is_fault:
                tally.fault(f"{case}, {name}", f"{options}: ended with {ended.code}: {ended.output[-1500:]}")
            else:
                tally.count(f"{case}, {name}", "enough" if ended.code in (0, 3) else "refused")
            yield tally
    yield from _trainings(directory, children)


def _limits() -> Iterator[tuple[str, dict[str, Any]]]:
    for number in DESCRIPTORS:
        yield "descriptors", {"limits": {"RLIMIT_NOFILE": number}}
    for megabytes in MEGABYTES:
        yield "memory", {"before": [("tests.torture.limits:limit_memory", megabytes)]}


def _trainings(directory: Path, children: Children) -> Iterator[Tally]:
    """Trains a warm-up and a cell under each limit, then without one, and compares the bits."""
    grid, peaceful, limited = directory / f"{NAME}.toml", directory / "peaceful", directory / "limited"
    jobs = "tests.torture.full_disk:do_jobs"
    assert children.call(jobs, str(grid), str(peaceful)).code == 0
    expected = outcome(peaceful)
    for case, options in _limits():
        tally = Tally()
        shutil.rmtree(limited, ignore_errors=True)
        first = children.call(jobs, str(grid), str(limited), **options)
        # A worker without memory may well die; what it leaves must be whole.
        again = children.call(jobs, str(grid), str(limited))
        while again.code == 0 and len(outcome(limited)) < len(expected):
            again = children.call(jobs, str(grid), str(limited))
        found = {name: each for name, each in outcome(limited).items() if name in expected}
        wrong = [*differences(expected, found), *torn(limited)]
        if first.code is None or again.code or wrong:
            tally.fault(
                f"{case}, training", f"{options}: {first.code}, {again.code}, {wrong[:5]} {again.output[-500:]}"
            )
        else:
            tally.count(f"{case}, training", "enough" if first.code == 0 else "went on to the same bits")
        yield tally
