"""The protocol of those who are told what happens in a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ablate.execute.jobs import Job
from ablate.execute.result import JobResult
from ablate.execute.snapshot import Snapshot


class RunListener(Protocol):
    """Shows a run, or takes notes of it. What it raises ends the run, and every cell saves its state."""

    def on_message(self, text: str) -> None:
        """Is called with a sentence for the user."""

    def on_start(self, job: Job) -> None:
        """Is called when a job was given to the executor."""

    def on_end(self, job: Job, result: JobResult, look: Callable[[], Snapshot]) -> None:
        """Is called when a job has ended; `look` reads how far everything is."""

    def on_tick(self, look: Callable[[], Snapshot]) -> None:
        """Is called several times a second."""
