"""Results on disk: a growing file of rows with every sample, one JSON document, and a compact one to commit."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.bench.names import Row
from ablate.records.rows import append_row, read_rows

SCHEMA = 1
FOLDER = "bench"
"""Of the results directory, where runs of the bench lie."""
CASE = ("kernel", "direction", "shape", "dtype", "device")
"""The fields that say which case a row is of."""
PRIVATE = ("git", "fingerprint", "uncommitted_changes", "gpu_uuid_sha256", "load_average", "platform")
"""The part of the environment that a committed reference leaves out."""
SAMPLED = ("samples", "warm_up_seconds", "build_seconds")


@dataclass
class Journal:
    """The file of one run, under `runs/bench/`; each line is written as soon as it is known."""

    path: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def under(cls, runs: Path, device: str) -> Journal:
        """Returns a journal whose name is the time it was opened at; nothing is created before it is written."""
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        return cls(runs / FOLDER / f"{stamp}-{device}.jsonl")

    def begin(self, head: Mapping[str, Any]) -> None:
        """Writes what holds for the whole run."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._append({"type": "run", **head})

    def write(self, row: Row) -> None:
        """Adds a row."""
        self._append({"type": "row", **row})

    def end(self, ended: str, left_out: Sequence[str]) -> None:
        """Writes why the run ended, and which cases it did not come to."""
        self._append({"type": "end", "ended": ended, "left_out": list(left_out)})

    def document(self) -> dict[str, Any]:
        """Returns everything as one document."""
        return _document(self.lines)

    def _append(self, line: dict[str, Any]) -> None:
        if self.lines or line["type"] == "run":  # a run that never began leaves no file
            append_row(self.path, line)
        self.lines.append(line)


def read(path: Path) -> dict[str, Any]:
    """Returns the document of a run, from its journal or from a JSON file.

    Raises:
        ValueError: where the file holds no results of the bench, or none that this version reads.
    """
    if path.suffix == ".jsonl":
        document = _document(read_rows(path))
    else:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not JSON ({error})") from error
    if not isinstance(document, dict) or "rows" not in document:
        raise ValueError(f"{path} holds no results of `ablate bench`")
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path} has the schema {document.get('schema')!r}; this version reads {SCHEMA}")
    return document


def newest(runs: Path) -> list[Row]:
    """Returns the rows of each case's latest run under a results directory, each with that run's ceilings.

    A case keeps together: its ratios hold within one run.
    """
    cases: dict[tuple[Any, ...], list[Row]] = {}
    for path in sorted((runs / FOLDER).glob("*.jsonl")):
        document = _document(read_rows(path))
        if document.get("schema") != SCHEMA:
            continue
        of_run: dict[tuple[Any, ...], list[Row]] = {}
        for row in document["rows"]:
            about_run = {"ceilings": document["ceilings"], "threads": document["threads"]}
            of_run.setdefault(tuple(row[name] for name in CASE), []).append(row | about_run)
        cases |= of_run
    return [row for rows in cases.values() for row in rows]


def compact(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a document without its samples and without what is the machine's own, to be committed."""
    environment = {name: value for name, value in document["environment"].items() if name not in PRIVATE}
    rows = [{name: value for name, value in row.items() if name not in SAMPLED} for row in document["rows"]]
    return {**document, "environment": environment, "rows": _rounded(rows)}


def _document(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    parts: dict[str, list[dict[str, Any]]] = {"run": [{}], "row": [], "end": [{"ended": "killed", "left_out": []}]}
    for line in lines:
        content = dict(line)
        parts.setdefault(content.pop("type", ""), []).append(content)
    return {**parts["run"][-1], **parts["end"][-1], "rows": parts["row"]}


def _rounded(value: Any) -> Any:
    """Keeps four digits, which is more than the intervals deserve."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value
