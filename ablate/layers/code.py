"""The shape of what a codec sends of an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """Symbols of `levels` values, `channels` of them for each block of `stride` x `stride` pixels."""

    channels: int
    levels: int
    stride: int
