"""The one vocabulary of how far a cell, a warm-up or an attempt at one is."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How far a cell, a warm-up or an attempt is."""

    done = "done"
    running = "running"
    diverged = "diverged"
    """A loss or a weight is not finite, or the reconstructions are flat: a result, not an error."""
    failed = "failed"
    pending = "pending"
    broken = "broken"
    """Its records cannot be read, or are those of another cell."""
    interrupted = "interrupted"
    """Of an attempt alone: it saved its state, and the next one goes on from there."""

    @property
    def finished(self) -> bool:
        """Whether there is a result, so that it is never trained again."""
        return self in (Status.done, Status.diverged)


CELL_STATUSES = (Status.done, Status.diverged, Status.failed, Status.running, Status.pending, Status.broken)
"""Statuses that a cell can have, those that ended first."""
