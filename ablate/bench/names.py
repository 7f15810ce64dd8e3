"""Names in the results of the bench; importing them takes no torch."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

Pass = Literal["forward", "forward+backward", "forward+double backward"]
FORWARD: Pass = "forward"
BACKWARD: Pass = "forward+backward"
DOUBLE_BACKWARD: Pass = "forward+double backward"
"""A loss alone; with its gradients; and a penalty on a gradient, with the gradients of the discriminator's weights."""

BASELINE = "eager"
CONTROL = "eager again"
TRAINING_STEP = "training_step"
TORCH_COMPILE = "torch-compile"
"""How the names of torch.compile's modes begin, of which this package's own `compiled` is none."""

Row = dict[str, Any]
"""The record of one backend of one case, in plain data."""


class StopReason(StrEnum):
    """Why the rounds of a case, or a whole run, ended."""

    complete = "complete"
    precise = "precise"
    rounds = "rounds"
    budget = "budget"
    interrupted = "interrupted"


def is_own(row: Mapping[str, Any]) -> bool:
    """Says whether a row is of this package's own code: of no peer, and of nothing that torch.compile makes of it."""
    return row.get("peer") is None and not row["backend"].startswith(TORCH_COMPILE)


def primary_ratio(row: Mapping[str, Any]) -> Any:
    """Returns the ratio to eager that a row's verdict is about: median, and the limits of its interval or None."""
    return row["ratio"]["cold"][row["judged"]]


def times_as_fast(ratio: Any) -> str:
    """Writes a ratio with its interval, where it has one, and that of eager to itself as 1."""
    median, low, high = ratio
    if set(ratio) <= {1, None}:
        return "1"
    return f"{median:.2f}" if low is None else f"{median:.2f} [{low:.2f}, {high:.2f}]"
