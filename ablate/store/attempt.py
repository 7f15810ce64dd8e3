"""One try at training an entry: who, where, what it printed and how it ended. Never overwritten."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ablate.records import (
    AlteredError,
    AttemptEnd,
    AttemptStart,
    Damage,
    DamageKind,
    Environment,
    FailureReason,
    Status,
    read,
    write,
)
from ablate.store.artefacts import sha256


@dataclass(frozen=True)
class Attempt:
    """A directory attempts/<number>."""

    path: Path

    @property
    def number(self) -> int:
        return int(self.path.name)

    @property
    def log_path(self) -> Path:
        """Where all that the attempt printed lies."""
        return self.path / "log.txt"

    def begin(self, environment: Environment) -> None:
        """Makes the directory and records who tries, and in which environment.

        Raises:
            FileExistsError: where there is such an attempt already.
        """
        self.path.mkdir(parents=True)
        write(self.path / "start.json", AttemptStart(host=socket.gethostname(), pid=os.getpid(), time=time.time()))
        write(self.path / "env.json", environment)

    def finish(
        self,
        status: Literal[Status.done, Status.diverged, Status.failed, Status.interrupted],
        step: int,
        seconds: float,
        reason: FailureReason | None = None,
        error: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """Records how the attempt ended."""
        assert self.exit() is None, f"{self.path} has ended already"
        log = self.log_path.stat().st_size if self.log_path.exists() else None
        end = AttemptEnd(
            status=status,
            reason=reason,
            error=error,
            traceback=traceback,
            step=step,
            seconds=seconds,
            of=self._entry,
            attempt=self.number,
            log_bytes=log,
            log_sha256=None if log is None else sha256(self.log_path, log),
        )
        write(self.path / "exit.json", end)

    @property
    def _entry(self) -> str:
        return self.path.absolute().parents[1].name

    def start(self) -> AttemptStart | None:
        """Returns host, pid and time of the start, or None where the attempt was killed before it wrote them."""
        return read(AttemptStart, self.path / "start.json")

    def environment(self) -> Environment:
        """Returns the environment recorded at the start, and what was noted since."""
        return read(Environment, self.path / "env.json") or Environment()

    def note(self, name: str, fact: Any) -> None:
        """Adds to the recorded environment what is known only once the training runs."""
        write(self.path / "env.json", self.environment().noting(**{name: fact}))

    def exit(self) -> AttemptEnd | None:
        """Returns how the attempt ended, or None where it runs or was killed.

        Raises:
            AlteredError: where it is not as it was written, or is that of another attempt.
            RecordError: where it cannot be read.
        """
        path = self.path / "exit.json"
        end = read(AttemptEnd, path)
        if end is not None and end.seal and (end.of, end.attempt) != (self._entry, self.number):
            detail = f"it is that of attempt {end.attempt} of {end.of}"
            raise AlteredError(Damage(path, DamageKind.copied, detail, AttemptEnd.REMEDY))
        return end

    def log_tail(self, lines: int) -> list[str]:
        """Returns the last lines of what the attempt printed."""
        try:
            text = self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]
