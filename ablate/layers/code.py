"""The shape of what a codec sends of an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """Symbols of `levels` values, `channels` of them for each block of `stride` x `stride` pixels.

    `levels` is None where they are numbers without a bound.
    """

    channels: int
    levels: int | None
    stride: int
