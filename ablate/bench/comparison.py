"""Compares two runs by the ratios to eager that each holds, never milliseconds of one with the other's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablate.bench.names import BASELINE, CONTROL, Row, is_own, primary_ratio
from ablate.bench.record import CASE

Change = Literal["slower", "faster", "same", "ambiguous", "failed", "missing"]
MARGIN = 1.5
"""A ratio that fell to less than 1/1.5 of the reference's is a regression.

The same code on one machine gave ratios that lay apart by up to 1.3 between a load of 5 and one of 14, and by 1.45 in a
case of six rounds, whose interval was as wide.
"""

KEY = (*CASE, "backend")


@dataclass(frozen=True)
class Compared:
    """One backend of one case in a run against the same in a reference.

    Attributes:
        key: kernel, direction, shape, type, device, backend.
        ratio: how many times as fast as eager it is in this run: median, low, high.
        reference: the same in the reference.
        change: slower where the ratio fell by more than the margin and the intervals do not overlap; failed where it no
            longer agrees with float64; missing where this run has no time of it.
        reason: why there is no ratio.
    """

    key: tuple[str, ...]
    ratio: Sequence[float | None] | None
    reference: Sequence[float | None]
    change: Change
    reason: str = ""

    @property
    def regressed(self) -> bool:
        """Whether a check should fail for it."""
        return self.change in ("slower", "failed")

    def __str__(self) -> str:
        name = " ".join(self.key[:-1]) + f", {self.key[-1]}"
        was = _written(self.reference)
        if self.ratio is None:
            return f"{name}: {self.change}, was {was} eager: {self.reason}"
        return f"{name}: {self.change}, {_written(self.ratio)} eager, was {was}"


def compare(run: Mapping[str, Any], reference: Mapping[str, Any]) -> list[Compared]:
    """Returns every backend that the reference has a ratio of and that the run came to, or should have.

    Args:
        run: a document of the bench.
        reference: another one, compact or not, of this machine or another of its kind.

    Raises:
        ValueError: where the two have no backend of a case in common.
    """
    now = {_key(row): row for row in run["rows"]}
    cases = {key[:-1] for key in now}
    then = {_key(row): primary_ratio(row) for row in reference["rows"] if _is_compared(row)}
    found = [_compared(key, now.get(key), ratio) for key, ratio in then.items() if key[:-1] in cases]
    if not found:
        raise ValueError("the two runs have no backend of a kernel at the same shape, type and device in common")
    return found


def _is_compared(row: Row) -> bool:
    return row["status"] == "measured" and row["backend"] not in (BASELINE, CONTROL) and is_own(row)


def _compared(key: tuple[str, ...], row: Row | None, then: Sequence[Any]) -> Compared:
    if row is None:
        return Compared(key, None, then, "missing", "it was not measured in this run")
    if row["status"] != "measured":
        change: Change = "failed" if row["status"] in ("failed", "error") else "missing"
        return Compared(key, None, then, change, str(row.get("reason", "")))
    return Compared(key, primary_ratio(row), then, _change(primary_ratio(row), then))


def _change(ratio: Sequence[Any], then: Sequence[Any]) -> Change:
    """Compares two ratios: the interval must lie beyond the reference's, and the median beyond the margin."""
    (median, low, high), (before, least, most) = ratio, then
    if None in (low, high, least, most):
        return "ambiguous"
    if median < before / MARGIN:
        return "slower" if high < least else "ambiguous"
    if median > before * MARGIN:
        return "faster" if low > most else "ambiguous"
    return "same"


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in KEY)


def _written(ratio: Sequence[Any]) -> str:
    median, low, high = ratio
    return f"{median:.2f}x" if low is None else f"{median:.2f}x [{low:.2f}, {high:.2f}]"
