"""Tortures the code, and counts how it bears it.

    python -m tests.torture --all                      everything, some three hours of one core
    python -m tests.torture grids images --scale 0.1   two parts, a tenth of the cases

Counts go into reports/torture: numbers.json keeps each part's latest, README.md shows them. Exits with 1 after a fault.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture import bitstreams, clock, full_disk, grids, images, kills, limits, runners, store_files
from tests.torture.children import Children
from tests.torture.page import Part, commit, keep, write_page
from tests.torture.tally import Tally

KEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """What a part is given: an empty directory, the share of its cases that are wanted, and a seed."""

    directory: Path
    scale: float
    seed: int

    def of(self, count: int) -> int:
        """Returns the share of a number of cases, at least one."""
        return max(1, round(self.scale * count))


def _with_children(rounds: Callable[[Request, Children], Generator[Tally]]) -> Callable[[Request], Generator[Tally]]:
    def run(request: Request) -> Generator[Tally]:
        with Children() as children:
            yield from rounds(request, children)

    return run


PARTS: Mapping[str, Callable[[Request], Generator[Tally]]] = {
    "grids": lambda wanted: grids.rounds(wanted.directory, wanted.of(10_000), wanted.seed),
    "bitstreams": lambda wanted: bitstreams.rounds(wanted.of(10_000), wanted.seed),
    "images": lambda wanted: images.rounds(wanted.of(2_000), wanted.seed),
    "store_files": _with_children(
        lambda wanted, children: store_files.rounds(
            store_files.Torture.prepare(wanted.directory, children), wanted.of(1_000), wanted.seed
        )
    ),
    "full_disk": _with_children(
        lambda wanted, children: full_disk.rounds(wanted.directory, children, every=max(1, round(1 / wanted.scale)))
    ),
    "limits": _with_children(lambda wanted, children: limits.rounds(wanted.directory, children)),
    "clock": _with_children(lambda wanted, children: clock.rounds(wanted.directory, children)),
    "runners": _with_children(
        lambda wanted, children: runners.rounds(wanted.directory, children, wanted.of(20), wanted.seed)
    ),
    "kills": _with_children(
        lambda wanted, children: kills.rounds(wanted.directory, children, wanted.of(1_000), wanted.seed)
    ),
}


def _run(name: str, chosen: argparse.Namespace) -> int:
    """Runs a part, keeps its numbers every minute and at its end, and returns how many faults it found."""
    minutes = f" --minutes {chosen.minutes:g}" if chosen.minutes else ""
    command = f"python -m tests.torture {name} --scale {chosen.scale:g} --seed {chosen.seed}{minutes}"
    code, tally, began = commit(), Tally(), time.monotonic()
    kept = began
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        rounds = PARTS[name](Request(Path(directory), chosen.scale, chosen.seed))
        for one in rounds:
            tally.join(one)
            for fault in one.faults:
                print(f"FAULT {name}: {fault}", flush=True)
            now = time.monotonic()
            if now - kept > KEEP_SECONDS:
                kept = now
                keep(chosen.out, name, Part(command, code, now - began, tally))
            if chosen.minutes and now - began > 60 * chosen.minutes:
                break
        rounds.close()
    keep(chosen.out, name, Part(command, code, time.monotonic() - began, tally))
    write_page(chosen.out)
    print(f"{name}: {tally.done} cases, {len(tally.faults)} faults, {time.monotonic() - began:.0f} s", flush=True)
    return len(tally.faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs parts one after the other, and writes the page anew after each."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--all", action="store_true", help="every part")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the cases (1.0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="end a part after so long; what was done by then is counted")
    parser.add_argument("--out", type=Path, default=Path("reports/torture"))
    chosen = parser.parse_args(arguments)
    names = list(PARTS) if chosen.all else chosen.parts
    if not names or (unknown := [name for name in names if name not in PARTS]):
        parser.error(f"unknown part {unknown[0]}" if names else "name parts, or --all")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    found = sum(_run(name, chosen) for name in names)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
