"""Limits of numbers as part of their types: `Weight` means the same on a setting and on an option of a function."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

Weight = Annotated[float, Ge(0)]
"""Factor of a term of a loss; below 0 the term would be turned round."""

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
