"""Counts of what was done to the code and how it bore it, and every fault that was found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of one kind of torture: case -> outcome -> how often. A fault is told with what it takes to repeat it."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def count(self, case: str, outcome: str) -> None:
        """Notes one outcome that is as it should be."""
        self.counts.setdefault(case, Counter())[outcome] += 1

    def fault(self, case: str, told: str) -> None:
        """Notes one outcome that must not be."""
        self.count(case, "fault")
        self.faults.append(f"{case}: {told}")

    def join(self, other: Tally) -> None:
        """Adds the counts and faults of another."""
        for case, outcomes in other.counts.items():
            self.counts.setdefault(case, Counter()).update(outcomes)
        self.faults += other.faults

    @property
    def done(self) -> int:
        """How many cases were tried."""
        return sum(sum(outcomes.values()) for outcomes in self.counts.values())
