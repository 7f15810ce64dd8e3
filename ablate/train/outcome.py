"""How a training ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ablate.records import Status


@dataclass(frozen=True)
class Outcome:
    """How a training ended; divergence is a result, an interruption is not."""

    status: Literal[Status.done, Status.diverged, Status.interrupted]
    step: int
    seconds: float
    cause: str | None = None
    """Why it diverged."""
