"""The tracker `csv`: one table a cell, for spreadsheets and scripts."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from csv import DictReader, DictWriter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.atomic import write_bytes
from ablate.plugins import tracker
from ablate.records import MetricRow, Status
from ablate.trackers.tracker import Figures, TrackedRun, Tracker, numbers

if TYPE_CHECKING:
    from torch import Tensor


class CsvFile:
    """A row for each log point, a column for each number that was logged at one; without rows after `step`."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        kept = [row for row in self._rows() if int(row["step"]) <= step]
        self._columns = list(kept[0]) if kept else []
        self._write(kept)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """They stand in cell.json."""

    def scalars(self, row: MetricRow) -> None:
        found = numbers(row)
        new = [name for name in found if name not in self._columns]
        if new:
            kept = self._rows()
            self._columns += new
            self._write(kept)
        with open(self._path, "a", newline="", encoding="utf-8") as file:
            DictWriter(file, self._columns, lineterminator="\n").writerow(found)

    def images(self, step: int, images: Mapping[str, Tensor]) -> None:
        """A table has no images."""

    def event(self, step: int, kind: str, detail: str) -> None:
        """Events stand in events.jsonl."""

    def close(self, status: Status, figures: Figures) -> None:
        """Figures stand in result.json."""

    def add_missing(self, rows: Iterable[MetricRow]) -> None:
        """Adds the log points that it was not told of."""
        known = {int(row["step"]) for row in self._rows()}
        for row in rows:
            if row.step not in known:
                self.scalars(row)

    def _rows(self) -> list[dict[str, Any]]:
        """Returns what stands there, but for a row that a kill cut off."""
        try:
            whole, _, _ = self._path.read_text("utf-8").rpartition("\n")
        except FileNotFoundError:
            return []
        return list(DictReader(io.StringIO(whole)))

    def _write(self, rows: list[dict[str, Any]]) -> None:
        text = io.StringIO()
        writer = DictWriter(text, self._columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_bytes(self._path, text.getvalue().encode())


@tracker()
def csv(run: TrackedRun) -> Tracker:
    """Writes metrics.csv into the directory of the cell or warm-up."""
    table = CsvFile(run.directory / "metrics.csv", run.step)
    table.add_missing(run.earlier)
    return table
