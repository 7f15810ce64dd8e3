"""How a training ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Outcome:
    """How a training ended; divergence is a result, an interruption is not."""

    status: Literal["done", "diverged", "interrupted"]
    step: int
    seconds: float
    cause: str | None = None
