"""Text for people: columns, colours where they are wanted, times in words."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from ablate.cli.options import RUNS
from ablate.cli.process import printable

COLOURS = {
    "done": 32, "running": 36, "diverged": 35, "failed": 31, "broken": 31, "altered": 31, "pending": 2, "title": 1,
    "pass": 32, "improved": 36, "regressed": 31, "inconclusive": 33, "missing": 31, "not comparable": 31,
}  # fmt: skip


def coloured(stream: TextIO) -> bool:
    """Says whether to send colours: not to files, and not where NO_COLOR asks for none (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, kind: str) -> str:
    """Returns the text in the colour of a status, where colours are wanted."""
    return f"\033[{COLOURS[kind]}m{text}\033[0m" if coloured(sys.stdout) else text


def columns(header: Sequence[str], rows: Iterable[Sequence[str]], status_column: int | None = None) -> list[str]:
    """Returns the lines of a table; columns of numbers are aligned to the right."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *rows]) for i in range(len(header))]
    numeric = [bool(rows) and all(_numeric(row[i]) for row in rows) for i in range(len(header))]

    def line(row: Sequence[str]) -> list[str]:
        return [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]

    lines = [paint("  ".join(line(header)).rstrip(), "title")]
    for row in rows:
        cells = line(row)
        if status_column is not None:
            cells[status_column] = paint(cells[status_column], row[status_column])
        lines.append("  ".join(cells).rstrip())
    return lines


def _numeric(text: str) -> bool:
    return not text.strip("0123456789.-+eE%/ –")


def duration(seconds: float) -> str:
    """Returns a time as a person says it: 42 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for size, large, small, part in ((3600, "min", "s", 60), (86400, "h", "min", 3600)):
        if whole < size:
            rest = whole % part // (part // 60)
            return f"{whole // part} {large}" + (f" {rest} {small}" if rest else "")
    rest = whole % 86400 // 3600
    return f"{whole // 86400} d" + (f" {rest} h" if rest else "")


def number(value: float | None, digits: int) -> str:
    """Returns a number with so many decimals, – where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def figure(value: float | None) -> str:
    """Returns a number with six digits, – where there is none."""
    return "–" if value is None else f"{value:.6g}"


def command(*words: str, runs: Path = RUNS) -> str:
    """Returns what to type next, as a shell takes it; a store elsewhere than in `runs` is named."""
    elsewhere = () if runs == RUNS else ("-C", str(runs))
    return shlex.join(("ablate", *words, *elsewhere))


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Returns a count with its noun: 1 cell, 2 cells."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"
