"""The one vocabulary of how far a cell, a warm-up or an attempt at one is, and of why an attempt failed."""

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
    altered = "altered"
    """A file of it is not as it was sealed: edited, cut, or copied from another cell."""
    interrupted = "interrupted"
    """Of an attempt alone: it saved its state, and the next one goes on from there."""

    @property
    def finished(self) -> bool:
        """Whether there is a result, so that it is never trained again."""
        return self in (Status.done, Status.diverged)

    @property
    def damaged(self) -> bool:
        """Whether what it left cannot be believed, so that it is in no comparison and nothing goes on from it."""
        return self in (Status.broken, Status.altered)


CELL_STATUSES = (
    Status.done, Status.diverged, Status.failed, Status.running, Status.pending, Status.broken, Status.altered,
)  # fmt: skip
"""Statuses that a cell can have, those that ended first."""


class FailureReason(StrEnum):
    """Why an attempt ended without a result."""

    error = "error"
    """An exception, which the record has with its traceback."""
    timeout = "timeout"
    """Its time was over."""
    disk_full = "disk_full"
    """It could not write."""
    killed = "killed"
    """Its process ended without a word: by a signal, or because memory ran out."""
    busy = "busy"
    """Another process held the entry, so that nothing was tried."""
