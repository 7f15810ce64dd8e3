"""What results of the bench are called; needs no torch, so that who only reads them does not wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Pass = Literal["forward", "forward+backward", "forward+double backward"]
FORWARD: Pass = "forward"
BACKWARD: Pass = "forward+backward"
DOUBLE_BACKWARD: Pass = "forward+double backward"
"""A loss alone; with its gradients; and a penalty on a gradient, with the gradients of the discriminator's weights."""

BASELINE = "eager"
CONTROL = "eager again"
TRAINING_STEP = "training_step"
FOLDER = "bench"
"""Of the results directory, where runs of the bench lie."""

Row = dict[str, Any]
"""What is recorded of one backend of one case, in plain data."""


TORCH_COMPILE = "torch-compile"
"""How the names of torch.compile's modes begin, of which this package's own `compiled` is none."""


def ours(row: Mapping[str, Any]) -> bool:
    """Says whether a row is of this package's own code: of no peer, and of nothing that torch.compile makes of it."""
    return row.get("peer") is None and not row["backend"].startswith(TORCH_COMPILE)
