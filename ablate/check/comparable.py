"""Whether two records may be compared at all: settings, data, code, protocol, machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from ablate.check.finding import Finding, GateOutcome, Objection, Reason
from ablate.check.record import ABOUT_THE_MACHINE, ArmRecord
from ablate.metrics.protocol import differences
from ablate.records import Status
from ablate.settings import RESULTS_VERSION

NAMED = 3
"""How many differences a sentence names."""
DATA = ("data.train_digest", "data.test_digest")
_ABSENT = object()


@dataclass(frozen=True)
class Machine:
    """Differences between two machines: why they cannot repeat each other exactly, and notes that are worth a line."""

    objection: Objection | None
    notes: tuple[str, ...]


def changed_settings(was: ArmRecord, now: ArmRecord, results_version: int) -> Objection | None:
    """Says what makes the cells of an arm other cells than the baseline's; None where they are the same."""
    shared = was.cells.keys() & now.cells.keys()
    if results_version == RESULTS_VERSION and all(was.cells[seed].id == now.cells[seed].id for seed in shared):
        return None
    keys = _differing(was.settings, now.settings)
    images = [key for key in keys if key in DATA]
    if images:
        return Objection(Reason.other_data, f"other data: {_named(images, was.settings, now.settings)}")
    if keys:
        return Objection(Reason.other_settings, f"other settings: {_named(keys, was.settings, now.settings)}")
    if results_version != RESULTS_VERSION:
        said = f"results version {results_version} became {RESULTS_VERSION}: CHANGELOG.md says why"
        return Objection(Reason.other_version, said)
    return Objection(Reason.other_cells, "the cells have other ids, although no setting differs")


def unfinished(was: ArmRecord, now: ArmRecord) -> Objection | None:
    """Says which seed of the baseline has a result of other code, or else which one has none."""
    found = [objection for seed in was.cells if (objection := _unfinished(seed, now))]
    return next((each for each in found if each.reason is Reason.other_code), found[0] if found else None)


def _unfinished(seed: int, now: ArmRecord) -> Objection | None:
    cell = now.cells.get(seed)
    if cell is None:
        return Objection(Reason.not_in_grid, f"the grid has no seed {seed}")
    if cell.other_code:
        return Objection(Reason.other_code, f"seed {seed}: {cell.trouble}")
    reason = Reason(cell.status.value) if cell.status.damaged else Reason.unfinished
    return Objection(reason, f"seed {seed} is {cell.trouble}") if cell.trouble else None


def changed_protocol(metric: str, was: ArmRecord, now: ArmRecord) -> Objection | None:
    """Says in which decisive facts of its protocol a metric was measured otherwise."""
    for seed, cell in was.cells.items():
        if cell.status is now.cells[seed].status is Status.done:
            found = differences(cell.protocol.get(metric, {}), now.cells[seed].protocol.get(metric, {}))
            if found:
                return Objection(Reason.other_protocol, f"other protocol: {', '.join(map(str, found))}")
    return None


def taught(metric: str, now: ArmRecord) -> bool:
    """Tells whether cells were trained against the network that a metric looks through."""
    return any(cell.protocol.get(metric, {}).get("trained_against") for cell in now.cells.values())


def without_verdict(finding: Finding) -> Finding:
    """Returns a finding with its numbers and no verdict on them, as its metric flatters the arm."""
    said = "no verdict: trained against the network that measures it"
    detail = "; ".join(filter(None, (said, finding.detail)))
    return replace(finding, outcome=GateOutcome.inconclusive, reason=Reason.taught, detail=detail)


def undefined(metric: str, was: ArmRecord, now: ArmRecord) -> Objection | None:
    """Says which seed has a value on one side only."""
    for seed, cell in was.cells.items():
        today = now.cells[seed]
        before, after = cell.values.get(metric), today.values.get(metric)
        if before is not None and after is None:
            why = "undefined" if today.status is Status.done else f"diverged, {today.cause}"
            return Objection(Reason.undefined, f"seed {seed} has no value: {why}")
        if before is None and after is not None and cell.status is Status.done:
            return Objection(Reason.undefined, f"seed {seed} has a value, and had none in the baseline")
    return None


def changed_machine(was: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> Machine:
    """Compares the machines that two records were made on."""
    differ = [key for key in ABOUT_THE_MACHINE if now and was.get(key) != now.get(key)]
    notes = tuple(f"{key}: {was.get(key, 'none')} in the baseline, {now.get(key, 'none')} now" for key in differ)
    device = [key for key in differ if key in ("device", "gpu")]
    said = f"other hardware: {_named(device, was, now)}"
    return Machine(Objection(Reason.other_hardware, said) if device else None, notes)


def _differing(was: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> list[str]:
    """Names the settings that differ; those of the evaluation are no cell's, and protocols are compared by metric."""
    keys = [key for key in {**was, **now} if not key.startswith("evaluation.")]
    return [key for key in keys if was.get(key, _ABSENT) != now.get(key, _ABSENT)]


def _named(keys: list[str], was: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> str:
    named = [f"{key} {_short(was.get(key, 'absent'))} became {_short(now.get(key, 'absent'))}" for key in keys[:NAMED]]
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(named) + more


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
