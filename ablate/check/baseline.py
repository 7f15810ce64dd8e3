"""The committed file that a gate compares with: a record of a grid, its margins, and why it is as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue, ValidationError

from ablate.atomic import read_json, write_json
from ablate.check.margins import Margin
from ablate.check.record import GridRecord
from ablate.config import Settings
from ablate.records import RecordError
from ablate.records.record import require_finite
from ablate.store.lock import one_at_a_time

SCHEMA = 1
Mode = Literal["exact", "stat"]
REMEDY = "take it from the version history, or move it away and take it anew with `ablate baseline update`"
_ABSENT = object()


class IncomparableError(ValueError):
    """A baseline that no result of today can be compared with; the message says why, and what to do."""


class Revision(Settings):
    """An entry of a baseline's history."""

    date: str
    reason: str = Field(min_length=1)
    fingerprint: str | None = None
    git: str | None = None


class Baseline(Settings):
    """Record that results are compared with.

    In mode `exact` each value may move by its margin either way, in `stat` the mean over seeds may fall by it.
    `alpha` is the error that each claim of the latter is allowed. `kernels` are ratios of `ablate bench`, where it has
    some.
    """

    mode: Mode
    results_version: int
    alpha: float = Field(gt=0, lt=1)
    history: tuple[Revision, ...] = Field(min_length=1)
    metrics: dict[str, Margin] = Field(min_length=1)
    record: GridRecord
    kernels: dict[str, JsonValue] | None = None


def dated(record: GridRecord, reason: str) -> Revision:
    """Returns an entry of the history for a record taken now.

    Raises:
        ValueError: for a reason without a word in it.
    """
    if not reason.strip():
        raise ValueError("--reason is empty; it is what a reader of the history learns from")
    made = record.made
    date = datetime.now(UTC).date().isoformat()
    return Revision(date=date, reason=reason.strip(), fingerprint=_text(made, "fingerprint"), git=_text(made, "git"))


def read_baseline(path: Path) -> Baseline:
    """Reads a baseline.

    Raises:
        IncomparableError: for a baseline of another schema, or with a number that is not finite.
        ValueError: where there is none, or where the file is no baseline.
    """
    content = read_json(path)
    if content is None:
        raise ValueError(f"there is no baseline {path}; `ablate baseline update GRID --baseline {path}` writes one")
    if not isinstance(content, dict) or "schema" not in content:
        raise ValueError(f"{path} is no baseline of schema {SCHEMA} (found: {type(content).__name__} without a schema)")
    if content["schema"] != SCHEMA:
        raise IncomparableError(f"{path} is no baseline of schema {SCHEMA} (found: {content['schema']}); {REMEDY}")
    try:
        require_finite(path.read_bytes(), path, REMEDY)
    except RecordError as error:
        raise IncomparableError(str(error)) from error
    try:
        return Baseline.model_validate(_spread(content))
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as a baseline: {_sentence(error)}") from error


@contextmanager
def updating(path: Path) -> Iterator[Path]:
    """Holds a baseline for the block, so that of several updates at once each goes on from the one before it.

    Yields the file to read and to write: a symbolic link stays one.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(target.parent):
        yield target


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Writes a baseline so that a change of it reads well: what all arms share stands once."""
    write_json(path, _gathered(baseline))


def _gathered(baseline: Baseline) -> dict[str, Any]:
    content = baseline.model_dump(mode="json")
    record, kernels = content.pop("record"), content.pop("kernels")
    arms = record["arms"]
    cells = [cell for arm in arms.values() for cell in arm["cells"].values()]
    settings = _shared([arm["settings"] for arm in arms.values()])
    protocol = _shared([cell["protocol"] for cell in cells if cell["values"]])
    for arm in arms.values():
        arm["settings"] = _beside(arm["settings"], settings)
    for cell in cells:
        cell["protocol"] = _beside(cell["protocol"], protocol)
    head = {"schema": SCHEMA, "grid": record["grid"], **content, "made": record["made"], "probe": record["probe"]}
    return head | {"protocol": protocol, "settings": settings, "arms": arms} | ({"kernels": kernels} if kernels else {})


def _spread(content: Mapping[str, Any]) -> dict[str, Any]:
    """Undoes `_gathered`: every arm and every measured cell is given what all share."""
    rest = {key: value for key, value in content.items() if key != "schema"}
    settings, protocol = rest.pop("settings"), rest.pop("protocol")
    arms = {
        name: arm
        | {
            "settings": {**settings, **arm["settings"]},
            "cells": {
                seed: cell | {"protocol": {**protocol, **cell["protocol"]} if cell["values"] else {}}
                for seed, cell in arm["cells"].items()
            },
        }
        for name, arm in rest.pop("arms").items()
    }
    record = {key: rest.pop(key) for key in ("grid", "made", "probe")} | {"arms": arms}
    return rest | {"record": record}


def _shared(tables: list[dict[str, JsonValue]]) -> dict[str, JsonValue]:
    first = tables[0] if tables else {}
    return {key: value for key, value in first.items() if all(one.get(key, _ABSENT) == value for one in tables)}


def _beside(table: Mapping[str, JsonValue], shared: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: value for key, value in table.items() if key not in shared}


def _text(made: Mapping[str, JsonValue], key: str) -> str | None:
    value = made.get(key)
    return None if value is None else str(value)


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{type(error).__name__} {error}"
