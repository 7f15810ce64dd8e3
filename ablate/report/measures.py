"""Metrics as a report shows them: label, unit, which way is better, and how many decimals they deserve."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

ORDER = ("psnr", "ms_ssim", "fd_", "fid", "kid", "lpips", "dists", "bpp_actual", "bpp_entropy", "bpp_bound")
"""How metrics follow each other for a reader: quality, perception, then what was really paid before what bounds it."""


@dataclass(frozen=True)
class Measure:
    """A metric as the report shows it."""

    name: str
    label: str
    unit: str
    direction: Literal["higher", "lower"] | None
    meaning: str
    decimals: int

    @property
    def sign(self) -> float:
        """Turns values so that more is better."""
        return -1.0 if self.direction == "lower" else 1.0

    @property
    def best(self) -> Callable[..., Any]:
        """Picks the best of several values."""
        return min if self.direction == "lower" else max


def written_measures(written: Collection[str]) -> dict[str, Measure]:
    """Returns the registered metrics among the names that a result holds, in reading order."""
    from ablate.metrics.catalogue import metrics

    found = {}
    for name in sorted(metrics, key=_place):
        if name in written:
            entry = metrics[name]
            unit = entry.facts["unit"]
            found[name] = Measure(
                name, entry.facts["label"], unit, entry.facts.get("direction"), entry.formula, _decimals(name, unit)
            )
    return found


def _place(name: str) -> int:
    """Returns where a metric stands among the others; sorting keeps the catalogue's order within a place."""
    return next((place for place, start in enumerate(ORDER) if name.startswith(start)), len(ORDER))


def _decimals(name: str, unit: str) -> int:
    """Returns how many decimals tell arms apart without feigning precision."""
    if name.startswith(("fd_", "kid_paired_")):
        return 1  # over features that are not normalised, unlike those of Inception
    return {"dB": 2, "bit/pixel": 4}.get(unit, 4)
