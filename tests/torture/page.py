"""Writes what the torture counted: numbers.json, of which each part replaces its own, and a page for readers."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.tally import Tally

INTRODUCTION = """# How much the code bears

Everything here was done to the code on purpose, and counted: what must not happen is a *fault* (a traceback, a lost or
torn file, another figure in silence, a process that hangs). Each part names the command and the commit that gave its
numbers; `tests/torture/` holds the parts, and a small sample of each runs in every test run. Numbers are of one machine
and one day. `python -m tests.torture --all` does 1,000 kills, 20 rounds of eight runners, 1,000 damaged files of a
store, a full disk at each of some 590 writes in two ways, 10,000 grids, 10,000 files of each codec in two ways and
2,000 images of each type, some three hours of one core. Where fewer were done, `--scale` or `--minutes` in the command
says so, and the counts are of what was done.

"""
FOUND = """## What earlier runs found, and what became of it
Runs of 2026-11-26 before the commits above; each is mended, with a test.

- A fork server killed while it started a worker ended the run with exit code 1, which means a regression; where a large
  one took its time to die, three tries were too few. It is begun anew for twenty seconds.
- A worker whose runner was killed while it started printed a traceback of multiprocessing.
- A killed writer of remembered hashes left a temporary file that nobody deleted.
- Without memory FreeType, the interpreter and Matplotlib's callbacks end otherwise than by a MemoryError.
- The documented executor ignored `--kernels`.
- Damaged figures of JPEG and WebP were never measured again, and a damaged index of decoded images, on which they
  stand, took them out of a report: both are made anew, as are pixels that are not as they were written.
- A link to itself in place of a cell's settings ended a worker in a traceback. A file of figures that held `null` was
  taken for none.
- Of 1,000 damaged files of a store at commit 629614f42918 two were faults, mended since: a file of figures that holds
  `{}` was taken for one of nothing, and is refused by name; a report did not name the grid file that its store lost.
"""
TITLES = {
    "grids": "Grid files",
    "bitstreams": "Files of a codec",
    "images": "Images",
    "store_files": "Files of a store",
    "full_disk": "A full disk",
    "limits": "File descriptors and memory",
    "clock": "The clock",
    "runners": "Eight runners on one store",
    "kills": "Kills",
}
BY_LAST = ("store_files",)
"""Parts whose cases are told by what was done, and not by what it was done to."""


@dataclass(frozen=True)
class Part:
    """What one part of the torture came to, by which command, of which commit and in how many seconds."""

    command: str
    commit: str
    seconds: float
    tally: Tally


def commit() -> str:
    """Returns the commit of the code that runs, with a word where files differ from it."""
    git = ("git", "-C", str(Path(__file__).parent))
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)
    return (head.stdout.strip() or "unknown") + (" and changes" if changed.stdout.strip() else "")


def keep(out: Path, name: str, part: Part) -> None:
    """Replaces the numbers of one part."""
    out.mkdir(parents=True, exist_ok=True)
    numbers = _numbers(out)
    counts = {case: dict(sorted(outcomes.items())) for case, outcomes in sorted(part.tally.counts.items())}
    about = {"command": part.command, "commit": part.commit, "seconds": round(part.seconds)}
    numbers[name] = {**about, "cases": part.tally.done, "counts": counts}
    numbers[name]["faults"] = [fault[:400] for fault in part.tally.faults]
    ordered = {title: numbers[title] for title in TITLES if title in numbers}
    (out / "numbers.json").write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_page(out: Path) -> None:
    """Writes README.md from numbers.json."""
    text = INTRODUCTION + "".join(_section(name, part) for name, part in _numbers(out).items()) + FOUND
    (out / "README.md").write_text(text.rstrip() + "\n", encoding="utf-8")


def _numbers(out: Path) -> dict[str, Any]:
    path = out / "numbers.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _section(name: str, part: dict[str, Any]) -> str:
    grouped: dict[str, Counter[str]] = {}
    for case, outcomes in part["counts"].items():
        head, _, tail = case.rpartition(", ")
        grouped.setdefault(tail if name in BY_LAST else head or tail, Counter()).update(outcomes)
    total = sum(sum(outcomes.values()) for outcomes in grouped.values())
    columns = sorted({outcome for outcomes in grouped.values() for outcome in outcomes} | {"fault"})
    columns.sort(key=lambda outcome: (outcome == "fault", outcome))
    rows = [[case, *(f"{outcomes[each]:,}" for each in columns)] for case, outcomes in grouped.items()]
    rows.append(["**all**", *(f"{sum(outcomes[each] for outcomes in grouped.values()):,}" for each in columns)])
    lines = [["case", *columns], ["---", *["---:"] * len(columns)], *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    about = _about(name)
    command = (
        f"`{part['command']}` at commit {part['commit']}: {total:,} cases in {part['seconds'] / 60:.0f} minutes, "
        f"{len(part['faults'])} faults"
    )
    return f"## {TITLES[name]}\n{about}\n\n{command}.\n\n{table}\n"


def _about(name: str) -> str:
    """Returns what a part says of itself."""
    text = inspect.getdoc(importlib.import_module(f"tests.torture.{name}")) or ""
    return re.sub(r" see tests/\S+\.$", "", text).rstrip(":") + ("" if text.endswith(".") else ".")
