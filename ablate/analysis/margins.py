"""The smallest effect that matters, as a grid file declares it."""

from __future__ import annotations


def margin_value(declared: float | str | None, reference: float) -> float:
    """Returns a margin in the metric's unit: a number as it is, a percentage of the size of `reference`, 0 for None.

    Raises:
        ValueError: where the text is not a percentage.
    """
    if declared is None:
        return 0.0
    if isinstance(declared, str):
        if not declared.endswith("%"):
            raise ValueError(f'expected a number or a percentage like "1%" as a margin, found {declared!r}')
        return float(declared[:-1]) / 100 * abs(reference)
    return float(declared)
