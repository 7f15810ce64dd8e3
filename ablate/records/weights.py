"""The two sets of weights that a cell leaves."""

from __future__ import annotations

from typing import Literal, get_args

Weights = Literal["ema", "raw"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
"""The averaged weights, which claims rest on, and those of the last step."""
