"""What the grid cost: time, speed and memory."""

from __future__ import annotations

from typing import Any

from ablate.analysis import Arm
from ablate.report.arms import arm_columns, arm_values
from ablate.report.document import Card, Cards, Column, Section, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, duration, fixed, plural, size


def cost(evidence: Evidence) -> Section:
    """Returns totals and a row an arm."""
    study = evidence.study
    results = [cell.result for cell in study.cells if cell.result]
    if not results:
        return Section("cost", "Cost", (text("No cell has ended, so there is no cost to report yet."),), {})
    warmups = _warmups(evidence)
    totals: dict[str, Any] = {
        "train_seconds": _total(results, "train_seconds"),
        "eval_seconds": _total(results, "eval_seconds"),
        "warmup_seconds": sum(warmups.values()),
        "peak_memory_bytes": max((result.get("peak_memory_bytes") or 0 for result in results), default=0) or None,
    }
    cards = [
        Card("training", duration(totals["train_seconds"])),
        Card("evaluation", duration(totals["eval_seconds"])),
        Card("largest memory of a cell", size(totals["peak_memory_bytes"])),
    ]
    if warmups:
        cards.insert(
            0,
            Card(
                "warm starts",
                duration(totals["warmup_seconds"]),
                name=f"{plural(len(warmups), 'training')}, each shared",
            ),
        )
    arms = [_arm(arm) for arm in study.arms if any(cell.result for cell in arm.cells)]
    said = text(
        "Seconds are wall clock, summed over cells, and count the time of attempts that were interrupted. Cells that "
        "ran beside others on one machine are slower than alone: compare speed only between cells run alike.",
        kind="note",
    )  # fmt: skip
    return Section(
        "cost",
        "Cost",
        (Cards(tuple(cards)), _table(evidence, arms), said),
        {"totals": totals, "warmups": warmups, "arms": arms},
    )


def _total(results: list[Any], name: str) -> float:
    return float(sum(result.get(name) or 0.0 for result in results))


def _warmups(evidence: Evidence) -> dict[str, float]:
    """Returns the seconds of each warm start that cells began from."""
    names = dict.fromkeys(cell.warmup for cell in evidence.study.cells if cell.warmup)
    found = {name: evidence.store.warmup(name).result() for name in names}
    return {name: float(result.get("seconds") or 0.0) for name, result in found.items() if result}


def _arm(arm: Arm) -> dict[str, Any]:
    results = [cell.result for cell in arm.cells if cell.result]

    def mean(name: str) -> float | None:
        values = [result[name] for result in results if result.get(name) is not None]
        return sum(values) / len(values) if values else None

    parameters: dict[str, int] = next((r["codec"]["parameters"] for r in results if r.get("codec")), {})
    return {
        "arm": arm.name, "axes": dict(arm.axes), "cells": len(results), "train_seconds": mean("train_seconds"),
        "eval_seconds": mean("eval_seconds"), "images_per_second": mean("images_per_second"),
        "peak_memory_bytes": mean("peak_memory_bytes"), "parameters": parameters,
    }  # fmt: skip


def _table(evidence: Evidence, arms: list[dict[str, Any]]) -> Table:
    rows = []
    for arm in arms:
        times = [arm["train_seconds"], arm["eval_seconds"]]
        memory, parameters = arm["peak_memory_bytes"], arm["parameters"]
        codec = sum(parameters.get(part, 0) for part in ("encoder", "generator"))
        judge = parameters.get("discriminator")
        rows.append(
            (
                *arm_values(evidence, arm["arm"], arm["axes"]),
                Value(str(arm["cells"]), sort=arm["cells"]),
                *(Value(NONE if seconds is None else duration(seconds), sort=seconds) for seconds in times),
                Value(fixed(arm["images_per_second"], 1), sort=arm["images_per_second"]),
                Value(size(memory), sort=memory),
                Value(f"{codec:,}" if codec else NONE, sort=codec),
                Value(NONE if judge is None else f"{judge:,}", sort=judge),
            )
        )
    columns = (
        *arm_columns(evidence), Column("cells"), Column("training a cell"), Column("evaluation a cell"),
        Column("crops per second"), Column("peak memory"), Column("codec parameters"),
        Column("discriminator parameters"),
    )  # fmt: skip
    return Table("cost", "Cost by arm", columns, tuple(rows), "Means over cells.", filterable=len(rows) > 20)
