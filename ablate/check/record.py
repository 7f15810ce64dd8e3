"""What the cells of a grid came to, as a gate compares it: settings, protocol and values, without anything else."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

from pydantic import Field, JsonValue

from ablate.analysis import WEIGHTS
from ablate.config import NOT_IDENTITY, Data, Settings
from ablate.execute import Plan
from ablate.metrics.catalogue import metrics
from ablate.records import PlannedCell, Result
from ablate.settings import flat
from ablate.store import Entry, Store

STALE = "stale"
"""The status of a cell that was made by other code than the gate shall judge."""

ABOUT_THE_MACHINE = ("device", "gpu", "cpu", "cuda", "torch", "python", "threads")
"""What the environment of a result says about where it was made."""


class CellRecord(Settings):
    """One seed of an arm: how it ended, and its values under the averaged weights, of the whole set and by image."""

    id: str
    status: str
    cause: str | None = None
    protocol: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    values: dict[str, float | None] = Field(default_factory=dict)
    images: dict[str, dict[str, float | None]] = Field(default_factory=dict)


class ArmRecord(Settings):
    """All seeds of one setting; `settings` are flat, without the seed and without where the images lie."""

    settings: dict[str, JsonValue]
    cells: dict[int, CellRecord]


class Record(Settings):
    """All arms of a grid; `made` says by which code and on which machine, `probe` what its metrics give (`probe`)."""

    grid: str
    made: dict[str, JsonValue]
    probe: dict[str, float | None]
    arms: dict[str, ArmRecord]


def record(plan: Plan, store: Store, *, code: str | None, probe: Mapping[str, float | None]) -> Record:
    """Reads what became of every cell that the grid means now; a cell that was never run is pending.

    Args:
        plan: of the grid file as it stands.
        store: where its results lie.
        code: the fingerprint of the code to judge; a cell, or a warm-up, of another is stale. None takes any.
        probe: what the metrics give today.
    """
    points = [(name, point) for name, point in zip(plan.record.arm_names.values(), plan.points, strict=True)]
    arms: dict[str, dict[str, Any]] = {}
    for name, point in points:
        if point.cell.get("replicate"):
            continue  # a second run of a seed measures the machine, and is no seed of its own
        arm = arms.setdefault(name, {"settings": settings_of(point), "cells": {}})
        arm["cells"][point.seed] = _cell(point, store, code)
    return Record(grid=plan.name, made=_made(plan, store), probe=dict(probe), arms=arms)


def settings_of(point: PlannedCell) -> dict[str, JsonValue]:
    """Returns the settings of a cell under dotted names, without seed and paths."""
    paths = {f"data.{name}" for name, info in Data.model_fields.items() if info.json_schema_extra == NOT_IDENTITY}
    return {
        key: value
        for key, value in flat(point.cell, terms_apart=True).items()
        if key not in {"seed", "replicate", *paths}
    }


def _cell(point: PlannedCell, store: Store, code: str | None) -> CellRecord:
    entry = store.cell(point.id)
    result, status = entry.result(), str(entry.status())
    if result is None:
        return CellRecord(id=point.id, status=status, cause=_failure(entry) if status == "failed" else None)
    other = _other_code(point, store, result, code)
    if other:
        return CellRecord(id=point.id, status=STALE, cause=other)
    values = {name: value for name, value in result.metrics.get(WEIGHTS[0], {}).items() if name in set(metrics)}
    return CellRecord(
        id=point.id,
        status=result.status,
        cause=result.cause,
        protocol=result.protocol,
        values=values,
        images=_images(entry, values) if result.status == "done" else {},
    )


def _failure(entry: Entry) -> str | None:
    attempt = entry.last_attempt()
    ended = attempt.exit() if attempt else None
    return ended.error if ended else None


def _other_code(point: PlannedCell, store: Store, result: Result, code: str | None) -> str | None:
    """Says which part of the result comes from other code; a warm-up outlives a change of code as a cell does."""
    if code is None:
        return None
    warmup = store.warmup(point.warmup).result() if point.warmup else None
    for what, made in (("", result), ("its warm-up was ", warmup)):
        found = made.environment.fingerprint if made else None
        if found and found != code:
            return f"{what}made by {found}, and this is {code}"
    return None


def _images(entry: Entry, values: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Reads the images' values of those metrics that are defined on one image."""
    found: dict[str, dict[str, float | None]] = {}
    with entry.images_csv.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["weights"] != WEIGHTS[0]:
                continue
            for name in values.keys() & row.keys():
                value = float(row[name]) if row[name] not in ("", "inf") else None
                found.setdefault(name, {})[row["image"]] = value
    return dict(sorted(found.items()))


def _made(plan: Plan, store: Store) -> dict[str, JsonValue]:
    """Returns code and machine of the results; several of a kind are joined."""
    results = [store.cell(point.id).result() for point in plan.points]
    environments = [result.environment for result in results if result]
    made: dict[str, JsonValue] = {}
    for key in ("fingerprint", "git", "ablate", *ABOUT_THE_MACHINE):
        found = dict.fromkeys(str(one.fact(key)) for one in environments if one.fact(key) is not None)
        if found:
            made[key] = " and ".join(found)
    return made
