"""Records of one attempt at training an entry: who made it, in which environment, and how it ended."""

from __future__ import annotations

from typing import Any, Literal

from ablate.records.record import Record, SealedRecord
from ablate.records.status import FailureReason, Status


class AttemptStart(Record):
    """start.json: host, process and time (seconds since 1970) of an attempt."""

    host: str
    pid: int
    time: float


class Environment(Record):
    """env.json, and part of a result: versions, machine and code that something was made with.

    Packages stand under their own names, and so do facts that are noted while a training runs.
    """

    fingerprint: str | None = None
    """Hash of the source files that a result depends on."""
    git: str | None = None
    device: str | None = None
    threads: int | None = None
    cores: int | None = None
    cells_at_once: int | None = None
    """Cells that shared the device."""
    cpu: str | None = None
    gpu: str | None = None
    platform: str | None = None
    python: str | None = None
    ablate: str | None = None
    kernels: dict[str, str] | None = None
    """Backend of each loss, by the role that it has in training."""
    plugins: dict[str, str] | None = None
    """What identifies the code of each plugin that was loaded, by its name."""

    def fact(self, name: str) -> Any:
        """Returns a fact by its stored name, None where it was not recorded."""
        return getattr(self, name, None)

    def noting(self, **facts: Any) -> Environment:
        """Returns the environment with more facts."""
        return Environment.model_validate({**self.plain(), **facts})


class AttemptEnd(SealedRecord):
    """exit.json: how an attempt ended, at which step, and after how many seconds of training."""

    status: Literal[Status.done, Status.diverged, Status.failed, Status.interrupted]
    reason: FailureReason | None = None
    """Why it failed; attempts from before 0.2 do not say."""
    error: str | None = None
    traceback: str | None = None
    step: int
    seconds: float
    of: str | None = None
    """Name of the entry's directory: its id."""
    attempt: int | None = None
    log_bytes: int | None = None
    """Length of log.txt at this moment; the process may print more as it ends."""
    log_sha256: str | None = None
    """Of so many bytes."""
