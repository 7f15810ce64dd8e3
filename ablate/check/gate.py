"""Judges what a grid came to against its baseline: one finding an arm and metric, and the exit code they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablate.check.baseline import Baseline
from ablate.check.comparable import changed_machine, changed_protocol, changed_settings, unfinished
from ablate.check.finding import Finding, Outcome
from ablate.check.kernels import check_kernels
from ablate.check.margins import Margin
from ablate.check.probe import differing
from ablate.check.record import ArmRecord, Record
from ablate.check.values import judge_exactly, judge_seeds

OK, REGRESSED, UNDECIDED, INCONCLUSIVE = 0, 1, 3, 4
TRAINING = "training"
"""The name under which it is judged whether an arm's trainings still end well."""


@dataclass(frozen=True)
class Verdict:
    """All findings, and what differs around them without making them incomparable."""

    grid: str
    mode: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def counted(self) -> dict[str, int]:
        """Returns how many findings have each outcome, none left out."""
        return {outcome.value: sum(each.outcome is outcome for each in self.findings) for outcome in Outcome}

    def exit_code(self, strict: bool) -> int:
        """Returns 0 where all passed, 1 for a regression, 3 where something could not be decided, 4 for doubt.

        A gate in which nothing was decided is not open either.
        """
        found = {each.outcome for each in self.findings}
        if any(each.fails(strict) and each.outcome in (Outcome.regressed, Outcome.improved) for each in self.findings):
            return REGRESSED
        if found & {Outcome.missing, Outcome.not_comparable}:
            return UNDECIDED
        if strict and Outcome.inconclusive in found:
            return INCONCLUSIVE
        return OK if found - {Outcome.inconclusive} else UNDECIDED


def check(baseline: Baseline, now: Record, bench: Mapping[str, Any] | None = None) -> Verdict:
    """Compares a record with a baseline of the same grid, and a run of `ablate bench` with the ratios that it keeps."""
    was = baseline.record
    arms = _paired(was.arms, now.arms)
    broken = differing(was.probe, now.probe)
    machine = changed_machine(was.made, now.made)
    everywhere = machine.refused if baseline.mode == "exact" else None
    findings: list[Finding] = []
    for name, own in was.arms.items():
        findings += _arm(name, own, arms.get(name), baseline, broken, everywhere)
    findings += _unknown(was.arms, now.arms, arms)
    findings = [replace(each, exact=baseline.mode == "exact") for each in findings]
    findings += check_kernels(baseline.kernels, bench)
    notes = list(machine.notes)
    ungated = sorted(_measured(now.arms.values()) - baseline.metrics.keys())
    if ungated:
        notes.append(f"not gated, since the baseline has no margin for it: {', '.join(ungated)}")
    return Verdict(now.grid, baseline.mode, tuple(findings), tuple(notes))


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
    found = [
        Finding(name, TRAINING, Outcome.missing, "not in the baseline; update it")
        for name, arm in now.items()
        if arm not in known
    ]
    for name, arm in paired.items():
        if seeds := [str(seed) for seed in arm.cells if seed not in was[name].cells]:
            said = f"not in the baseline: seed {', '.join(seeds)}; update it"
            found.append(Finding(name, TRAINING, Outcome.missing, said))
    return found


def _arm(
    name: str,
    was: ArmRecord,
    now: ArmRecord | None,
    baseline: Baseline,
    broken: Mapping[str, str],
    everywhere: str | None,
) -> list[Finding]:
    metrics = [each for each in baseline.metrics if _has(was, each)]

    def all_rows(outcome: Outcome, detail: str) -> list[Finding]:
        return [Finding(name, each, outcome, detail) for each in (TRAINING, *metrics)]

    if now is None:
        return all_rows(Outcome.missing, "no arm of the grid has these cells or this name")
    other = changed_settings(was, now, baseline.results_version)
    if other or everywhere:
        return all_rows(Outcome.not_comparable, other or everywhere or "")
    left, stale = unfinished(was, now)
    if stale or left:
        return all_rows(Outcome.not_comparable if stale else Outcome.missing, stale or left or "")
    rows = [_training(name, was, now)]
    for metric in metrics:
        reason = broken.get(metric) or changed_protocol(metric, was, now) or _undefined(metric, was, now)
        if reason:
            rows.append(Finding(name, metric, Outcome.not_comparable, reason))
        else:
            rows.append(_finding(name, metric, was, now, baseline))
    return rows


def _training(name: str, was: ArmRecord, now: ArmRecord) -> Finding:
    fell = [seed for seed, cell in was.cells.items() if cell.status == "done" and now.cells[seed].status == "diverged"]
    rose = [seed for seed, cell in was.cells.items() if cell.status == "diverged" and now.cells[seed].status == "done"]
    if fell:
        seed, more = fell[0], f" (and {len(fell) - 1} more)" if len(fell) > 1 else ""
        return Finding(name, TRAINING, Outcome.regressed, f"seed {seed} diverged: {now.cells[seed].cause}{more}")
    if rose:
        return Finding(name, TRAINING, Outcome.improved, f"seed {rose[0]} no longer diverges")
    return Finding(name, TRAINING, Outcome.passed)


def _undefined(metric: str, was: ArmRecord, now: ArmRecord) -> str | None:
    """Says which seed has a value on one side only."""
    for seed, cell in was.cells.items():
        before, after = cell.values.get(metric), now.cells[seed].values.get(metric)
        if before is not None and after is None:
            today = now.cells[seed]
            return f"seed {seed} has no value: " + (
                f"diverged, {today.cause}" if today.status != "done" else "undefined"
            )
        if before is None and after is not None and cell.status == "done":
            return f"seed {seed} has a value, and had none in the baseline"
    return None


def _finding(name: str, metric: str, was: ArmRecord, now: ArmRecord, baseline: Baseline) -> Finding:
    pairs = _pairs(metric, was, now)
    margin: Margin = baseline.metrics[metric]
    moved = judge_exactly(pairs, margin) if baseline.mode == "exact" else judge_seeds(pairs, margin, baseline.alpha)
    detail = moved.detail
    if moved.outcome in ("regressed", "improved"):
        detail = ", ".join(filter(None, (detail, _furthest(metric, was, now))))
    return Finding(name, metric, Outcome(moved.outcome), detail, moved.was, moved.now, moved.change, moved.margin)


def _pairs(metric: str, was: ArmRecord, now: ArmRecord) -> dict[int, tuple[float, float]]:
    found = {}
    for seed, cell in was.cells.items():
        before, after = cell.values.get(metric), now.cells[seed].values.get(metric)
        if before is not None and after is not None:
            found[seed] = before, after
    return found


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


def _measured(arms: Iterable[ArmRecord]) -> set[str]:
    return {
        name for arm in arms for cell in arm.cells.values() for name, value in cell.values.items() if value is not None
    }
