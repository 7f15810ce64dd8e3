"""What the trainings of a results directory came to, to be compared bit for bit with what another one has."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from PIL import Image

from ablate.records.rows import read_rows
from ablate.store import Entry

CLOCK = ("t", "steps_per_second", "attempt")


def outcome(runs: Path) -> dict[str, Any]:
    """Returns what each cell and warm-up came to: metrics, steps, files by their hashes, curves without the clock."""
    return {path.parent.name: _entry(Entry(path.parent)) for path in sorted(runs.rglob("result.json"))}


def _entry(entry: Entry) -> dict[str, Any]:
    result = entry.result().plain()
    rows = [{key: value for key, value in row.plain().items() if key not in CLOCK} for row in entry.metrics()]
    made = {name: digest for name, digest in result["artefacts"].items() if name.startswith(("weights.pt", "eval/"))}
    kept = {key: result.get(key) for key in ("status", "step", "metrics", "protocol")}
    return kept | {"artefacts": made, "rows": rows}


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Names every result that is missing, new or different, and in what."""
    return [
        f"{name}: {key} differs"
        for name in sorted(expected.keys() | found.keys())
        for key in sorted(expected.get(name, {}).keys() | found.get(name, {}).keys())
        if expected.get(name, {}).get(key) != found.get(name, {}).get(key)
    ]


def torn(root: Path) -> list[str]:
    """Names every file that cannot be read whole, and every temporary file that a killed writer left in an entry.

    One killed between a result and the end of its attempt leaves a finished entry, which nobody claims and sweeps;
    what lies beside entries has no lock, and is swept once its writer must be dead.
    """
    readers = {
        ".json": lambda path: json.loads(path.read_text()),
        ".jsonl": read_rows,
        ".csv": _rows,
        ".png": _load,
    }
    entries = [path.parent for path in root.rglob("metrics.jsonl")]
    left = [path for entry in entries for path in entry.rglob(".*.tmp") if not path.name.startswith(".exit.json.")]
    wrong = [f"{path} was left" for path in left]
    for path in root.rglob("[!.]*.*"):
        try:
            readers.get(path.suffix, Path.stat)(path)
        except (OSError, ValueError) as error:
            wrong.append(f"{path} is torn: {error}")
    return wrong


def _rows(path: Path) -> None:
    rows = list(csv.reader(path.read_text().splitlines()))
    if len({len(row) for row in rows}) != 1:
        raise ValueError("rows of different lengths")


def _load(path: Path) -> None:
    with Image.open(path) as image:
        image.load()
