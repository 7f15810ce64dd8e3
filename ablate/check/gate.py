"""Judges what a grid came to against its baseline: one finding an arm and metric, and the exit code they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablate.check.baseline import Baseline, IncomparableError
from ablate.check.comparable import (
    changed_machine,
    changed_protocol,
    changed_settings,
    taught,
    undefined,
    unfinished,
    without_verdict,
)
from ablate.check.finding import Finding, GateOutcome, Objection, Reason
from ablate.check.kernels import check_kernels
from ablate.check.probe import differing
from ablate.check.record import ArmRecord, GridRecord
from ablate.check.values import judge_exactly, judge_seeds
from ablate.metrics.naming import split_name
from ablate.records import Status

OK, REGRESSED, UNDECIDED, INCONCLUSIVE = 0, 1, 3, 4
TRAINING = "training"
"""The name under which it is judged whether an arm's trainings still end well."""


@dataclass(frozen=True)
class GateResult:
    """All findings, and what differs around them without making them incomparable."""

    grid: str
    mode: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def counted(self) -> dict[str, int]:
        """Returns how many findings have each outcome, none left out."""
        return {outcome.value: sum(each.outcome is outcome for each in self.findings) for outcome in GateOutcome}

    def exit_code(self, strict: bool) -> int:
        """Returns 0 where all passed, 1 for a regression, 3 where something could not be decided, 4 for doubt.

        A gate in which nothing was decided is not open either; that trainings end well, and that what no seed moves has
        not moved, decides nothing.
        """
        found = {each.outcome for each in self.findings}
        moved = (GateOutcome.regressed, GateOutcome.improved)
        if any(each.fails(strict) and each.outcome in moved for each in self.findings):
            return REGRESSED
        if found & {GateOutcome.missing, GateOutcome.not_comparable}:
            return UNDECIDED
        if strict and GateOutcome.inconclusive in found:
            return INCONCLUSIVE
        decided = any(
            each.outcome is not GateOutcome.inconclusive
            and each.metric != TRAINING
            and (each.exact or each.margin != 0)
            for each in self.findings
        )
        return OK if decided else UNDECIDED


def incomparable(grid: str, error: IncomparableError) -> GateResult:
    """Returns the result of a comparison with a baseline that cannot be compared with at all."""
    return GateResult(grid, "none", (Objection(Reason.other_baseline, str(error)).finding("all", "baseline"),))


def check(baseline: Baseline, now: GridRecord, bench: Mapping[str, Any] | None = None) -> GateResult:
    """Compares a record with a baseline of the same grid, and a run of `ablate bench` with the ratios that it keeps."""
    was = baseline.record
    arms = _paired(was.arms, now.arms)
    changed_metrics = differing(was.probe, now.probe)
    machine = changed_machine(was.made, now.made)
    everywhere = machine.objection if baseline.mode == "exact" else None
    findings: list[Finding] = []
    for name, own in was.arms.items():
        findings += _arm(name, own, arms.get(name), baseline, changed_metrics, everywhere)
    findings += _unknown(was.arms, now.arms, arms)
    findings = [replace(each, exact=baseline.mode == "exact") for each in findings]
    findings += check_kernels(baseline.kernels, bench)
    notes = list(machine.notes)
    measured = {name for cell in now.cells().values() for name, value in cell.values.items() if value is not None}
    ungated = sorted(measured - baseline.metrics.keys())
    if ungated:
        notes.append(f"not gated, since the baseline has no margin for it: {', '.join(ungated)}")
    if now.unsealed:
        cells = "1 cell was" if now.unsealed == 1 else f"{now.unsealed} cells were"
        notes.append(f"{cells} finished before there were seals: nothing tells whether a file was edited since")
    return GateResult(now.grid, baseline.mode, tuple(findings), tuple(notes))


def _paired(was: Mapping[str, ArmRecord], now: Mapping[str, ArmRecord]) -> dict[str, ArmRecord]:
    """Finds each arm of the baseline among today's, by its cells' ids, and by its name where they have others."""
    by_id = {cell.id: arm for arm in now.values() for cell in arm.cells.values()}
    paired = {}
    for name, arm in was.items():
        same = next((by_id[cell.id] for cell in arm.cells.values() if cell.id in by_id), None) or now.get(name)
        if same is not None:
            paired[name] = same
    return paired


def _unknown(
    was: Mapping[str, ArmRecord], now: Mapping[str, ArmRecord], paired: Mapping[str, ArmRecord]
) -> list[Finding]:
    """Returns what the grid trains and the baseline does not know: arms, and seeds of those that it knows."""
    known = list(paired.values())
    said = {name: "not in the baseline; update it" for name, arm in now.items() if arm not in known}
    for name, arm in paired.items():
        if seeds := [str(seed) for seed in arm.cells if seed not in was[name].cells]:
            said[name] = f"not in the baseline: seed {', '.join(seeds)}; update it"
    return [Objection(Reason.not_in_baseline, detail).finding(name, TRAINING) for name, detail in said.items()]


def _arm(
    name: str,
    was: ArmRecord,
    now: ArmRecord | None,
    baseline: Baseline,
    changed_metrics: Mapping[str, Objection],
    everywhere: Objection | None,
) -> list[Finding]:
    metrics = [each for each in baseline.metrics if _has(was, each)]
    if now is None:
        objection: Objection | None = Objection(Reason.not_in_grid, "no arm of the grid has these cells or this name")
    else:
        objection = changed_settings(was, now, baseline.results_version) or everywhere or unfinished(was, now)
    if now is None or objection:
        return [objection.finding(name, each) for each in (TRAINING, *metrics)] if objection else []
    rows = [_training(name, was, now)]
    for metric in metrics:
        plain, _ = split_name(metric)
        objection = (
            changed_metrics.get(plain) or changed_protocol(metric, was, now) or undefined(metric, was, now)
        )  # fmt: skip
        if objection:
            rows.append(objection.finding(name, metric))
        else:
            finding = _finding(name, metric, was, now, baseline)
            rows.append(without_verdict(finding) if taught(metric, now) else finding)
    return rows


def _training(name: str, was: ArmRecord, now: ArmRecord) -> Finding:
    ended = {seed: (cell.status, now.cells[seed].status) for seed, cell in was.cells.items()}
    fell = [seed for seed, each in ended.items() if each == (Status.done, Status.diverged)]
    rose = [seed for seed, each in ended.items() if each == (Status.diverged, Status.done)]
    if fell:
        seed, more = fell[0], f" (and {len(fell) - 1} more)" if len(fell) > 1 else ""
        return Finding(name, TRAINING, GateOutcome.regressed, f"seed {seed} diverged: {now.cells[seed].cause}{more}")
    if rose:
        return Finding(name, TRAINING, GateOutcome.improved, f"seed {rose[0]} no longer diverges")
    return Finding(name, TRAINING, GateOutcome.passed)


def _finding(name: str, metric: str, was: ArmRecord, now: ArmRecord, baseline: Baseline) -> Finding:
    pairs = {
        seed: (before, after)
        for seed, cell in was.cells.items()
        if (before := cell.values.get(metric)) is not None and (after := now.cells[seed].values.get(metric)) is not None
    }
    margin = baseline.metrics[metric]
    moved = judge_exactly(pairs, margin) if baseline.mode == "exact" else judge_seeds(pairs, margin, baseline.alpha)
    detail = moved.detail
    if moved.outcome in (GateOutcome.regressed, GateOutcome.improved):
        detail = ", ".join(filter(None, (detail, _furthest(metric, was, now))))
    return Finding(name, metric, moved.outcome, detail, moved.was, moved.now, moved.change, moved.margin)


def _furthest(metric: str, was: ArmRecord, now: ArmRecord) -> str:
    """Names the image that moved most, which is where to look."""
    moves = {
        (image, seed): after - before
        for seed, cell in was.cells.items()
        for image, before in cell.images.get(metric, {}).items()
        if before is not None and (after := now.cells[seed].images.get(metric, {}).get(image)) is not None
    }
    if not moves:
        return ""
    image, seed = max(moves, key=lambda key: abs(moves[key]))
    return f"most on {image} ({moves[image, seed]:+.3g} at seed {seed})"


def _has(arm: ArmRecord, metric: str) -> bool:
    return any(cell.values.get(metric) is not None for cell in arm.cells.values())
