"""Differences between two protocols: the facts by which two measurements may be compared, or may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DECISIVE = (
    "extractor",
    "tap",
    "weights_sha256",
    "heads_sha256",
    "preprocessing",
    "patch",
    "shift",
    "patches",
    "paired",
    "rounding",
    "pictures",
    "colours",
    "images",
    "region",
    "defined_by",
)
"""Facts of a record that change what its figure means: where one differs, the figures say nothing about each other."""


@dataclass(frozen=True)
class Difference:
    """A fact in which two records differ."""

    key: str
    first: Any
    second: Any

    def __str__(self) -> str:
        """Writes it for a reader; a hash is cut to what tells it apart."""
        return f"{self.key}: {_short(self.first)} and {_short(self.second)}"


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Returns in which decisive facts two records of one metric differ; none means that the figures may be compared.

    A record is what a result holds under "protocol" for a metric. A fact that one of them does not state, as older
    records do, is no difference: nothing is known about it.
    """
    return tuple(
        Difference(key, first[key], second[key])
        for key in DECISIVE
        if key in first and key in second and first[key] != second[key]
    )


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if isinstance(value, str) and len(text) == 64 else text
