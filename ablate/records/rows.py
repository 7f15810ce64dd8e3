"""Rows of a growing JSON Lines file, one write each, read back without what a kill tore."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ablate.records.record import ForeignError, Record, RecordError

TAIL_BYTES = 1 << 16
Kind = TypeVar("Kind", bound=Record)


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Adds one row in one write; only for one who holds the entry's lock.

    A number that is not finite becomes null: the row of a diverging step is worth keeping, and JSON has no nan.

    Raises:
        OSError: ENOSPC where the disk took a part only; the part is dropped by every reader.
    """
    line = json.dumps(_finite(row), separators=(",", ":"), allow_nan=False).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # closes a torn row, so that it spoils no other
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Returns the rows in the order they were written, without torn ones; none where there is no file."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise ForeignError(path, "read") from error
    return [row for line in content.split(b"\n") if (row := _row(line)) is not None]


def last_row(path: Path) -> dict[str, Any] | None:
    """Returns the last whole row from the end of the file, however long the file is."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ForeignError(path, "read") from error
    return next((row for line in reversed(lines) if (row := _row(line)) is not None), None)


def read_records(kind: type[Kind], path: Path) -> list[Kind]:
    """Returns the rows as records of a kind.

    Raises:
        RecordError: for a whole row that is no such record.
    """
    return [_typed(kind, row, path) for row in read_rows(path)]


def last_record(kind: type[Kind], path: Path) -> Kind | None:
    """Returns the last whole row as a record; raises as `read_records`."""
    row = last_row(path)
    return None if row is None else _typed(kind, row, path)


def _typed(kind: type[Kind], row: dict[str, Any], path: Path) -> Kind:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecordError(f"{path} has a row that cannot be read: {where}: {first['msg']}; {kind.REMEDY}") from error


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _row(line: bytes) -> dict[str, Any] | None:
    # The beginning of an object is never a whole one, so a line that parses was written whole.
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
