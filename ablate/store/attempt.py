"""One try at training an entry: who, where, what it printed and how it ended. Never overwritten."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.store.atomic import read_json, write_json


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

    def begin(self, environment: dict[str, Any]) -> None:
        """Makes the directory and records who tries, and in which environment.

        Raises:
            FileExistsError: where there is such an attempt already.
        """
        self.path.mkdir(parents=True)
        start = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
        write_json(self.path / "start.json", start)
        write_json(self.path / "env.json", environment)

    def finish(
        self, status: str, step: int, seconds: float, error: str | None = None, traceback: str | None = None
    ) -> None:
        """Records how the attempt ended: `status` is done, diverged, failed or interrupted."""
        assert status in ("done", "diverged", "failed", "interrupted"), status
        assert self.exit() is None, f"{self.path} has ended already"
        content = {"status": status, "error": error, "traceback": traceback, "step": step, "seconds": seconds}
        write_json(self.path / "exit.json", content)

    def start(self) -> dict[str, Any]:
        """Returns host, pid and time of the start; empty where the attempt was killed before it wrote them."""
        return read_json(self.path / "start.json") or {}

    def environment(self) -> dict[str, Any]:
        """Returns the environment recorded at the start, and what was noted since."""
        return read_json(self.path / "env.json") or {}

    def note(self, name: str, fact: Any) -> None:
        """Adds to the recorded environment what is known only once the training runs."""
        write_json(self.path / "env.json", self.environment() | {name: fact})

    def exit(self) -> dict[str, Any] | None:
        """Returns how the attempt ended, or None where it runs or was killed."""
        return read_json(self.path / "exit.json")

    def log_tail(self, lines: int) -> list[str]:
        """Returns the last lines of what the attempt printed."""
        try:
            text = self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]
