"""The smallest effect that matters, as a grid file declares it."""

from __future__ import annotations

import math
import re


def margin_value(declared: float | str | None, reference: float) -> float:
    """Returns a margin in the metric's unit: a number as it is, a percentage of the size of `reference`, 0 for None.

    Raises:
        ValueError: where it is negative or not finite, or the text is not a percentage.
    """
    if declared is None:
        return 0.0
    percentage = re.fullmatch(r"(\d+\.?\d*|\.\d+)%", declared, re.ASCII) if isinstance(declared, str) else None
    if percentage:
        return float(percentage[1]) / 100 * abs(reference)
    if isinstance(declared, str) or not (math.isfinite(declared) and declared >= 0):
        raise ValueError(f'expected a number from 0 on or a percentage like "1%" as a margin, found {declared!r}')
    return float(declared)
