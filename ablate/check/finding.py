"""One thing that a gate compared: an arm's metric or a kernel, what became of it, and why it cannot be judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GateOutcome(StrEnum):
    """The outcomes of a comparison with a baseline."""

    passed = "pass"
    improved = "improved"
    regressed = "regressed"
    inconclusive = "inconclusive"
    missing = "missing"
    not_comparable = "not comparable"


class Reason(StrEnum):
    """Why something cannot be judged; `judged` where it was."""

    judged = ""
    unfinished = "unfinished"
    broken = "broken"
    altered = "altered"
    not_in_grid = "not in the grid"
    not_in_baseline = "not in the baseline"
    not_measured = "kernel not measured"
    other_code = "other code"
    other_data = "other data"
    other_settings = "other settings"
    other_version = "other results version"
    other_cells = "other cells"
    other_hardware = "other hardware"
    other_protocol = "other protocol"
    other_metric = "other metric"
    taught = "trained against what measures"
    undefined = "undefined"
    no_ratios = "no ratios in the baseline"
    other_baseline = "other baseline"


MISSING = frozenset(
    {
        Reason.unfinished, Reason.broken, Reason.altered, Reason.not_in_grid, Reason.not_in_baseline,
        Reason.not_measured,
    }
)  # fmt: skip
"""Reasons for which there is nothing to compare; with the others there is, and it does not compare."""


@dataclass(frozen=True)
class Objection:
    """Why something cannot be judged, for programs and in words."""

    reason: Reason
    detail: str

    def finding(self, arm: str, metric: str) -> Finding:
        """Returns the finding that says so."""
        outcome = GateOutcome.missing if self.reason in MISSING else GateOutcome.not_comparable
        return Finding(arm, metric, outcome, self.detail, reason=self.reason)


@dataclass(frozen=True)
class Finding:
    """One arm and metric, or one kernel: what it was and is, how far it moved, and how far it might.

    Values are means over the compared seeds. `exact` findings come from a repetition, where a better value is a change
    that nobody explained yet and keeps the gate shut until the baseline is updated.
    """

    arm: str
    metric: str
    outcome: GateOutcome
    detail: str = ""
    was: float | None = None
    now: float | None = None
    change: float | None = None
    margin: float | None = None
    exact: bool = False
    reason: Reason = Reason.judged

    def fails(self, strict: bool) -> bool:
        """Says whether it keeps the gate shut."""
        shut = {GateOutcome.regressed, GateOutcome.missing, GateOutcome.not_comparable}
        shut |= {GateOutcome.improved} if self.exact else set()
        shut |= {GateOutcome.inconclusive} if strict else set()
        return self.outcome in shut
