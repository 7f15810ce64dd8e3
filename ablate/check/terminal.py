"""The gate's table for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.check.finding import Finding, GateOutcome
from ablate.check.gate import GateResult
from ablate.check.wording import change, headline, merged, ordered, value

HEADER = ("outcome", "arm", "metric", "baseline", "now", "change", "margin", "why")
SHOWN = 60
"""Findings up to which all are listed; of more, only those that did not pass."""


def rows(result: GateResult, show_all: bool) -> list[tuple[str, ...]]:
    """Returns a row a finding, the worst first; an arm whose findings all say the same has one row."""
    findings = ordered(merged(result.findings))
    if len(findings) > SHOWN and not show_all:
        findings = [each for each in findings if each.outcome is not GateOutcome.passed]
    return [_row(each) for each in findings]


def last_lines(result: GateResult, strict: bool, advice: Sequence[str]) -> list[str]:
    """Returns what stands under the table: notes, what to do, and the headline last, where the eye is."""
    return [*(f"note: {note}" for note in result.notes), *advice, headline(result, strict)]


def _row(each: Finding) -> tuple[str, ...]:
    margin = "–" if each.margin is None else f"{each.margin:.3g}"
    return (
        each.outcome.value,
        each.arm,
        each.metric,
        value(each.was),
        value(each.now),
        change(each.change),
        margin,
        each.detail,
    )
