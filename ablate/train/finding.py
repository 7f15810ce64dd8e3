"""The result of one check before a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """The result of one check; a problem or a warning comes with what it means and what to do."""

    check: str
    verdict: Severity
    found: str
    advice: str = ""
