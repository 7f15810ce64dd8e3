"""Which arms no other arm beats at everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Direction = Literal["higher", "lower"]


def sign_of(direction: Direction) -> float:
    """Returns 1.0 where higher is better, else -1.0."""
    return 1.0 if direction == "higher" else -1.0


def frontier(points: Mapping[str, Sequence[float]], directions: Sequence[Direction]) -> tuple[str, ...]:
    """Returns the names of the points that no other point beats (Pareto), in the order given.

    A point is beaten by one that is at least as good in every direction and better in one; equal points stay both.
    """
    signs = [sign_of(direction) for direction in directions]
    gains = {
        name: tuple(sign * value for sign, value in zip(signs, point, strict=True)) for name, point in points.items()
    }

    def beaten(gain: tuple[float, ...]) -> bool:
        return any(
            other != gain and all(b >= a for a, b in zip(gain, other, strict=True)) for other in gains.values()
        )  # fmt: skip

    return tuple(name for name, gain in gains.items() if not beaten(gain))
