"""Points of another codec as a report reads them, whether they were measured or come from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.metrics.naming import RATE as RATE

IDENTICAL = "identical"
"""Beside the metrics of a point: how many images came back unchanged, whose PSNR is infinite and in no mean."""

Quality = int | float | str | None


@dataclass(frozen=True)
class CurvePoint:
    """Means over the images at one quality; without any where an image failed: `failed` names it, and why."""

    quality: Quality
    values: Mapping[str, float | None]
    failed: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class ReferenceCurve:
    """A codec's points in the order of their bits; `protocol` is None for those of a file, which nobody here measured.

    `version` says which program or library it was.
    """

    label: str
    points: tuple[CurvePoint, ...]
    version: str = ""
    protocol: Mapping[str, Mapping[str, Any]] | None = None


def in_order(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Returns points in the order of their bits; those without any come last."""
    return sorted(points, key=lambda point: (point.values.get(RATE) is None, point.values.get(RATE) or 0.0))
