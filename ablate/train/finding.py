"""The result of one check before a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What one check found; a problem or a warning says what it means and what to do."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""
