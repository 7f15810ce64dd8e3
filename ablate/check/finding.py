"""What a gate says about one thing that it compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a comparison came to."""

    passed = "pass"
    improved = "improved"
    regressed = "regressed"
    inconclusive = "inconclusive"
    missing = "missing"
    not_comparable = "not comparable"


@dataclass(frozen=True)
class Finding:
    """One arm and metric, or one kernel: what it was and is, how far it moved, and how far it might.

    Values are means over the compared seeds. `exact` findings come from a repetition, where a better value is a change
    that nobody explained yet and keeps the gate shut until the baseline is updated.
    """

    arm: str
    metric: str
    outcome: Outcome
    detail: str = ""
    was: float | None = None
    now: float | None = None
    change: float | None = None
    margin: float | None = None
    exact: bool = False

    def fails(self, strict: bool) -> bool:
        """Says whether it keeps the gate shut."""
        shut = {Outcome.regressed, Outcome.missing, Outcome.not_comparable}
        shut |= {Outcome.improved} if self.exact else set()
        shut |= {Outcome.inconclusive} if strict else set()
        return self.outcome in shut
