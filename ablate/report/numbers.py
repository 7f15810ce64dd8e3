"""Numbers as text: as many decimals as they deserve, a true minus, and words where there is no number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablate.analysis import Interval

if TYPE_CHECKING:
    from ablate.metrics import Metric

MINUS = "\u2212"
NONE = "\u2013"


def fixed(value: float | None, decimals: int, signed: bool = False) -> str:
    """Writes a number with fixed decimals, zero without a sign, a dash for None."""
    if value is None:
        return NONE
    written = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    if not written.strip("+-0."):
        written = written.lstrip("+-")
    return written.replace("-", MINUS)


def with_unit(metric: Metric, value: float | None, signed: bool = False) -> str:
    """Writes a metric's value with its decimals and its unit."""
    return f"{fixed(value, metric.decimals, signed)} {metric.unit}".strip()


def interval(value: Interval, decimals: int, scale: float = 1.0) -> str:
    """Writes signed limits times `scale` in brackets; says so where one value has none."""
    if value.low is None or value.high is None:
        return "(one seed)"
    low, high = (fixed(scale * limit, decimals, signed=True) for limit in (value.low, value.high))
    return f"[{low}, {high}]"


def spread(values: list[float], decimals: int) -> str:
    """Writes the range over seeds."""
    if len(values) == 1:
        return "one seed"
    return f"{fixed(min(values), decimals)} to {fixed(max(values), decimals)}"


def probability(value: float) -> str:
    """Writes a p-value with three decimals at most, never as zero."""
    if value < 0.001:
        return f"{value:.0e}"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """Writes seconds in the two largest units that matter."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float | None) -> str:
    """Writes a number of bytes in binary units."""
    if count is None:
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.3g} {unit}" if count < 1000 else f"{count:.0f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def plural(count: int, noun: str) -> str:
    """Writes a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def joined(words: list[str], last: str = "and") -> str:
    """Writes a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def counted(counts: Mapping[Any, int]) -> str:
    """Writes how many of each there are, in their order; what there is none of is left out."""
    return joined([f"{count} {name}" for name, count in counts.items() if count])


def plain_data(value: Any) -> Any:
    """Returns `value` as JSON knows it: tuples and arrays as lists, numbers plain, NaN and inf as None."""
    import numpy as np

    if isinstance(value, dict):
        return {str(key): plain_data(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain_data(value.tolist())
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
