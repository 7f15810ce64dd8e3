"""One try at training an entry: who, where, what it printed and how it ended. Never overwritten."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ablate.records import AttemptEnd, AttemptStart, Environment, FailureReason, Status, read, write


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
        end = AttemptEnd(status=status, reason=reason, error=error, traceback=traceback, step=step, seconds=seconds)
        write(self.path / "exit.json", end)

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
        """Returns how the attempt ended, or None where it runs or was killed."""
        return read(AttemptEnd, self.path / "exit.json")

    def log_tail(self, lines: int) -> list[str]:
        """Returns the last lines of what the attempt printed."""
        try:
            text = self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]
