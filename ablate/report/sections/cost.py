"""Time, speed and memory of the grid; cells that shared their device are marked and not compared with others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ablate.analysis import Arm
from ablate.records import Result
from ablate.report.document import Block, Card, Cards, Table, Tone, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, duration, fixed, joined, plural, size
from ablate.report.sections.section import Content, section
from ablate.report.tables import arm_fields, count, number, numbers, part, table

PACKED, ALONE, UNKNOWN = "packed", "alone", "not recorded"
"""A cell ran beside others on its device, or had it to itself, or is older than the record of that."""

Row = Mapping[str, Any]
"""An arm with its means."""


@section("cost", "Cost", summary="Training time, evaluation time and memory of each arm")
def cost(evidence: Evidence) -> Content:
    """Returns totals and a row an arm."""
    results = evidence.results
    if not results:
        return [text("No cell has ended, so there is no cost to report yet.")], {}
    warmups = _warmups(evidence)
    totals: dict[str, Any] = {
        "train_seconds": sum(result.train_seconds or 0.0 for result in results),
        "eval_seconds": sum(result.eval_seconds or 0.0 for result in results),
        "warmup_seconds": sum(warmups.values()),
        "peak_memory_bytes": max((result.peak_memory_bytes or 0 for result in results), default=0) or None,
    }
    cards = [
        Card("training", duration(totals["train_seconds"])),
        Card("evaluation", duration(totals["eval_seconds"])),
        Card("largest memory of a cell", size(totals["peak_memory_bytes"])),
    ]
    if warmups:
        began = sum(cell.warmup in warmups for cell in evidence.study.cells)
        told = f"{plural(len(warmups), 'training')}, for {plural(began, 'cell')}"
        cards.insert(0, Card("warm-ups", duration(totals["warmup_seconds"]), name=told))
    arms = [_arm(arm) for arm in evidence.study.arms if any(cell.result for cell in arm.cells)]
    blocks: tuple[Block, ...] = (Cards(tuple(cards)), _table(evidence, arms), text(_said(arms), kind="note"))
    return blocks, {"totals": totals, "warmups": warmups, "arms": arms}


def _warmups(evidence: Evidence) -> dict[str, float]:
    """Returns the seconds of each warm-up that cells began from."""
    names = dict.fromkeys(cell.warmup for cell in evidence.study.cells if cell.warmup)
    found = {name: evidence.store.warmup(name).readable_result() for name in names}
    return {name: result.seconds for name, result in found.items() if result}


def _sharing(result: Result) -> str:
    """Returns how a cell ran."""
    at_once = result.environment.cells_at_once
    return UNKNOWN if at_once is None else ALONE if at_once == 1 else PACKED


def _arm(arm: Arm) -> dict[str, Any]:
    """Returns an arm's means: of the cells that ran alone where there are any, else of all that there are."""
    results = [cell.result for cell in arm.cells if cell.result]
    ran = {_sharing(result) for result in results}
    ran = {ALONE} if ALONE in ran else ran
    kept = [result for result in results if _sharing(result) in ran]

    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    return {
        "arm": arm.name, "axes": dict(arm.axes), "cells": len(kept), "of": len(results), "ran": sorted(ran),
        "train_seconds": mean(each.train_seconds for each in kept),
        "eval_seconds": mean(each.eval_seconds for each in kept),
        "images_per_second": mean(each.images_per_second for each in kept),
        "peak_memory_bytes": mean(each.peak_memory_bytes for each in kept),
        "parameters": next((each.codec.parameters for each in results if each.codec.parameters), {}),
    }  # fmt: skip


def _said(arms: Sequence[Row]) -> str:
    said = "Seconds are wall clock and count the time of attempts that were interrupted. "
    ran = {how for arm in arms for how in arm["ran"]}
    if ran == {ALONE}:
        return said + "All cells had their device to themselves, so that speeds compare."
    marked = joined(sorted(ran - {ALONE}), "or")
    return (
        f"{said}Cells marked “{marked}” may have run beside others, which slows them: their times say what was paid, "
        "not what an arm costs. With --workers 1 cells run alone."
    )


def _table(evidence: Evidence, arms: Sequence[Row]) -> Table:
    base = next((arm for arm in arms if evidence.is_baseline(arm["arm"])), None)

    def alone(arm: Row) -> Tone:
        return "plain" if arm["ran"] == [ALONE] else "muted"

    def cells(arm: Row) -> Value:
        return part(arm["cells"], arm["of"], "" if arm["ran"] == [ALONE] else joined(arm["ran"], "or"))

    def seconds(arm: Row, of: str, below: str = "") -> Value:
        return Value(NONE if arm[of] is None else duration(arm[of]), below, arm[of], alone(arm))

    def codec(arm: Row) -> Value:
        return count(sum(arm["parameters"].get(part, 0) for part in ("encoder", "generator")) or None)

    return table(
        "cost", "Cost by arm", arms,
        *arm_fields(evidence, lambda arm: (arm["arm"], arm["axes"])),
        numbers("cells", cells),
        numbers("training a cell", lambda arm: seconds(arm, "train_seconds", _ratio(arm, base))),
        numbers("evaluation a cell", lambda arm: seconds(arm, "eval_seconds")),
        numbers("crops per second", lambda arm: number(arm["images_per_second"], 1, "", alone(arm))),
        numbers("peak memory", lambda arm: Value(size(arm["peak_memory_bytes"]), sort=arm["peak_memory_bytes"])),
        numbers("codec parameters", codec),
        numbers("discriminator parameters", lambda arm: count(arm["parameters"].get("discriminator"))),
        caption="Means over cells that had their device to themselves, where there are any. Below the time of "
        "training: against the baseline, where both ran alone.",
    )  # fmt: skip


def _ratio(arm: Row, base: Row | None) -> str:
    """Writes how much longer than the baseline an arm trains, where neither shared its device."""
    if base is None or base is arm or not arm["train_seconds"] or not base["train_seconds"]:
        return ""
    if arm["ran"] != [ALONE] or base["ran"] != [ALONE]:
        return ""
    share = 100 * (arm["train_seconds"] / base["train_seconds"] - 1)
    return f"{fixed(share, 0, signed=True)}%"
