"""Table of figures by image that an evaluation leaves beside its result: images.csv."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from ablate.records.record import RecordError

NAMES = ("weights", "image")
"""Columns that say which row it is; all others are figures."""
REMEDY = "copy it back, or delete the entry's directory and run the grid again"


def read_images(path: Path, weights: str) -> dict[str, dict[str, float | None]]:
    """Returns image -> figure -> value under a set of weights; None where it is undefined or infinite.

    Raises:
        RecordError: where the table is missing or cut, or holds what is no number.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restval=None)
            return dict(_rows(reader, weights))
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RecordError(f"{path} cannot be read ({error}); {REMEDY}") from error


def _rows(reader: csv.DictReader[str], weights: str) -> Iterator[tuple[str, dict[str, float | None]]]:
    if not set(NAMES) <= set(reader.fieldnames or ()):
        raise ValueError(f"its first line does not name {' and '.join(NAMES)}")
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has other fields than the first")
        if row["weights"] == weights:
            yield row["image"], {name: _number(text) for name, text in row.items() if name not in NAMES}


def _number(text: str) -> float | None:
    value = float(text or "inf")
    if math.isnan(value):
        raise ValueError("it holds nan")
    return None if math.isinf(value) else value
