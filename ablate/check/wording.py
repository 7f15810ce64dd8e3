"""How findings are written in every form of output: numbers, headline, and what to do next."""

from __future__ import annotations

from dataclasses import replace

from ablate.check.finding import MISSING, Finding, GateOutcome, Reason
from ablate.check.gate import GateResult

ORDER = (
    GateOutcome.regressed,
    GateOutcome.missing,
    GateOutcome.not_comparable,
    GateOutcome.improved,
    GateOutcome.inconclusive,
    GateOutcome.passed,
)
"""The worst first."""

UPDATABLE = {*Reason} - MISSING - {Reason.judged, Reason.other_code, Reason.other_baseline, Reason.taught} | {
    Reason.not_in_baseline
}
"""Reasons that go once the baseline is taken anew."""


def value(number: float | None) -> str:
    """Writes a measured value."""
    return "–" if number is None else f"{number:.6g}"


def change(number: float | None) -> str:
    """Writes a difference or a margin; the sign is what it says."""
    return "–" if number is None else f"{number:+.3g}" if number else "0"


def sentence(finding: Finding) -> str:
    """Says what happened to one arm and metric."""
    if finding.was is None:
        return f"{finding.arm}, {finding.metric}: {finding.outcome}" + (
            f" ({finding.detail})" if finding.detail else ""
        )
    moved = f"{value(finding.was)} became {value(finding.now)} ({change(finding.change)}, margin {finding.margin:.3g}"
    return f"{finding.arm}, {finding.metric}: {finding.outcome}, {moved}" + (
        f"; {finding.detail})" if finding.detail else ")"
    )


def headline(result: GateResult, strict: bool) -> str:
    """Says in a line what the gate came to."""
    code = result.exit_code(strict)
    said = {0: "passed", 1: "FAILED", 3: "UNDECIDED, and so not passed", 4: "INCONCLUSIVE under --strict"}[code]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in result.counted().items() if count)
    return f"{result.grid}: {said} ({counted or 'nothing was compared'})"


def ordered(findings: tuple[Finding, ...]) -> list[Finding]:
    """Returns the findings, the worst outcomes first, else as they came."""
    return sorted(findings, key=lambda each: ORDER.index(each.outcome))


def merged(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Returns the findings with those of an arm as one that all say the same and hold no numbers."""
    kept: dict[tuple[str, ...], Finding] = {}
    for each in findings:
        alike = (each.arm, each.outcome, each.detail) if each.was is None and each.detail else (each.arm, each.metric)
        kept[alike] = replace(each, metric="all") if alike in kept else each
    return tuple(kept.values())


def advice(result: GateResult, grid: str, baseline: str) -> tuple[str, ...]:
    """Says what to do where the results moved for a reason, or are not there."""
    outcomes, reasons = ({getattr(each, kind) for each in result.findings} for kind in ("outcome", "reason"))
    lines = []
    if Reason.other_code in reasons:
        lines.append(f"what this code does: ablate run {grid} --runs-dir FRESH, and check that")
    if outcomes & {GateOutcome.improved, GateOutcome.regressed} or reasons & UPDATABLE:
        better = GateOutcome.improved in outcomes
        what = "an improvement becomes the baseline" if better else "a change on purpose is kept"
        lines.append(f'{what} with: ablate baseline update {grid} --baseline {baseline} --reason "why"')
    if reasons & {Reason.unfinished, Reason.not_in_grid, Reason.not_in_baseline}:
        lines.append(f"what was not run yet: ablate run {grid}")
    if Reason.altered in reasons:
        lines.append("what is not as it was sealed, and what to do about it: ablate store verify")
    if GateOutcome.inconclusive in outcomes:
        lines.append("inconclusive: more seeds decide it; they go into [seeds] and, once, into the baseline")
    return tuple(lines)
