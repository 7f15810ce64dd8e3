"""Limits and sensible ranges of numbers as part of their types: `Weight` means the same on settings and options."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

Weight = Annotated[float, Ge(0)]
"""Factor of a term of a loss; below 0 the term would be turned round."""

Scale = Literal["log", "lin"]

DECADE = 10


@dataclass(frozen=True)
class Range:
    """Sensible values of a number, where tuning looks: `low` to `high`, evenly on its scale. No limit of what works."""

    low: float
    high: float
    scale: Scale = "lin"

    @classmethod
    def of_pair(cls, low: float, high: float) -> Range:
        """Returns the range of a pair that names no scale: logarithmic over a decade or more above 0."""
        return cls(low, high, "log" if low > 0 and high >= DECADE * low else "lin")

    def at(self, share: float) -> float:
        """Returns the value a share of the way from low to high, to six significant digits."""
        if self.scale == "log":
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        return min(max(float(f"{value:.6g}"), self.low), self.high)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} ({self.scale})"


_BOUNDS = (
    (Ge, "ge", "at least", operator.ge),
    (Gt, "gt", "above", operator.gt),
    (Le, "le", "at most", operator.le),
    (Lt, "lt", "below", operator.lt),
)


def allows(limits: Sequence[Any], value: Any) -> bool:
    """Returns whether a number is finite as a float and keeps to the limits among a type's annotations."""
    bounds = {type(limit): limit for limit in limits}
    return abs(value) <= sys.float_info.max and all(
        holds(value, getattr(bounds[kind], name)) for kind, name, _, holds in _BOUNDS if kind in bounds
    )


def in_words(limits: Sequence[Any]) -> str:
    """Returns what stands behind "a number": "" without limits, else " from 1 to 5", " at least 0"."""
    bounds = {type(limit): limit for limit in limits}
    if Ge in bounds and Le in bounds:
        return f" from {bounds[Ge].ge} to {bounds[Le].le}"
    said = [f"{words} {getattr(bounds[kind], name)}" for kind, name, words, _ in _BOUNDS if kind in bounds]
    return f" {' and '.join(said)}" if said else ""
