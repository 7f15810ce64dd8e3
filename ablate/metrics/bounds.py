"""Bounds of the values that a figure can have."""

from __future__ import annotations

import math

Bounds = tuple[float, float]
"""Least and largest value that a figure can have, infinite where there is none."""

UNBOUNDED: Bounds = (-math.inf, math.inf)
