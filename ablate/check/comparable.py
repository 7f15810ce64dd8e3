"""Whether two records may be compared at all: settings, data, code, protocol, machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from ablate.check.record import ABOUT_THE_MACHINE, STALE, ArmRecord
from ablate.config import RESULTS_VERSION
from ablate.metrics.protocol import differences

NAMED = 3
"""How many differences a sentence names."""
DATA = ("data.train_digest", "data.test_digest")
OTHER_CODE = "other code"
_ABSENT = object()


@dataclass(frozen=True)
class Machine:
    """What differs between two machines: why they cannot repeat each other exactly, and what is worth a line."""

    refused: str | None
    notes: tuple[str, ...]


def changed_settings(was: ArmRecord, now: ArmRecord, results_version: int) -> str | None:
    """Says what makes the cells of an arm other cells than the baseline's; None where they are the same."""
    shared = was.cells.keys() & now.cells.keys()
    if all(was.cells[seed].id == now.cells[seed].id for seed in shared):
        return None
    keys = _differing(was.settings, now.settings)
    images = [key for key in keys if key in DATA]
    if images:
        return f"other data: {_named(images, was.settings, now.settings)}"
    if keys:
        return f"other settings: {_named(keys, was.settings, now.settings)}"
    if results_version != RESULTS_VERSION:
        return f"results version {results_version} became {RESULTS_VERSION}: CHANGELOG.md says why"
    return "the cells have other ids, although no setting differs"


def unfinished(was: ArmRecord, now: ArmRecord) -> tuple[str | None, str | None]:
    """Says which seed of the baseline has no result, and which has one of other code."""
    left = stale = None
    for seed in was.cells:
        cell = now.cells.get(seed)
        if cell is None:
            left = left or f"the grid has no seed {seed}"
        elif cell.status == STALE:
            stale = stale or f"seed {seed}: {OTHER_CODE}, {cell.cause}"
        elif cell.status not in ("done", "diverged"):
            left = left or f"seed {seed} is {cell.status}" + (f": {cell.cause}" if cell.cause else "")
    return left, stale


def changed_protocol(metric: str, was: ArmRecord, now: ArmRecord) -> str | None:
    """Says in which decisive facts of its protocol a metric was measured otherwise."""
    for seed, cell in was.cells.items():
        if cell.status == now.cells[seed].status == "done":
            found = differences(cell.protocol.get(metric, {}), now.cells[seed].protocol.get(metric, {}))
            if found:
                return f"other protocol: {', '.join(map(str, found))}"
    return None


def changed_machine(was: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> Machine:
    """Compares the machines that two records were made on."""
    differ = [key for key in ABOUT_THE_MACHINE if now and was.get(key) != now.get(key)]
    notes = tuple(f"{key}: {was.get(key, 'none')} in the baseline, {now.get(key, 'none')} now" for key in differ)
    device = [key for key in differ if key in ("device", "gpu")]
    refused = f"other hardware: {_named(device, was, now)}" if device else None
    return Machine(refused, notes)


def _differing(was: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> list[str]:
    return [key for key in {**was, **now} if was.get(key, _ABSENT) != now.get(key, _ABSENT)]


def _named(keys: list[str], was: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> str:
    named = [f"{key} {_short(was.get(key, 'absent'))} became {_short(now.get(key, 'absent'))}" for key in keys[:NAMED]]
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(named) + more


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
