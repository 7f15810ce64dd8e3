"""How findings are written in every form of output: numbers, headline, and what to do next."""

from __future__ import annotations

from dataclasses import replace

from ablate.check.comparable import OTHER_CODE
from ablate.check.finding import Finding, Outcome
from ablate.check.gate import Verdict
from ablate.check.kernels import KERNEL

ORDER = (
    Outcome.regressed,
    Outcome.missing,
    Outcome.not_comparable,
    Outcome.improved,
    Outcome.inconclusive,
    Outcome.passed,
)
"""The worst first."""


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


def headline(verdict: Verdict, strict: bool) -> str:
    """Says in a line what the gate came to."""
    code = verdict.exit_code(strict)
    said = {0: "passed", 1: "FAILED", 3: "UNDECIDED, and so not passed", 4: "INCONCLUSIVE under --strict"}[code]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in verdict.counted().items() if count)
    return f"{verdict.grid}: {said} ({counted or 'nothing was compared'})"


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


def advice(verdict: Verdict, grid: str, baseline: str) -> tuple[str, ...]:
    """Says what to do where the results moved for a reason, or are not there."""
    found = {each.outcome for each in verdict.findings}
    lines = []
    stale = [each for each in verdict.findings if each.outcome is Outcome.not_comparable and OTHER_CODE in each.detail]
    if stale:
        lines.append(f"what this code does: ablate run {grid} --runs-dir FRESH, and check that")
    others = any(each.outcome is Outcome.not_comparable and each not in stale for each in verdict.findings)
    if found & {Outcome.improved, Outcome.regressed} or others or _unknown(verdict):
        what = "an improvement becomes the baseline" if Outcome.improved in found else "a change on purpose is kept"
        lines.append(f'{what} with: ablate baseline update {grid} --baseline {baseline} --reason "why"')
    lost = [each.arm for each in verdict.findings if each.outcome is Outcome.missing]
    if any(not arm.startswith(KERNEL) for arm in lost):
        lines.append(f"what was not run yet: ablate run {grid}")
    if Outcome.inconclusive in found:
        lines.append("inconclusive: more seeds decide it; they go into [seeds] and, once, into the baseline")
    return tuple(lines)


def _unknown(verdict: Verdict) -> bool:
    return any(each.detail.startswith("not in the baseline") for each in verdict.findings)
