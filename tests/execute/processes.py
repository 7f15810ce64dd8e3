"""Processes that a test starts, watches and kills: each in a session of its own, so that its children can be found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.execute import pretend

ROOT = Path(pretend.__file__).parents[2]
PATIENCE_SECONDS = 60
"""No test waits that long unless it fails, or the machine is very busy."""


class PythonProcess:
    """A Python process and all that it starts."""

    def __init__(self, *arguments: str, under: Sequence[str] = (), **environment: str) -> None:
        self.process = subprocess.Popen(
            [*under, sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=os.environ | environment,
            start_new_session=True,
        )
        self.lines: list[str] = []

    def wait_for(self, *texts: str) -> str:
        """Returns the first of the texts that it prints.

        Raises:
            AssertionError: where it ends without any.
        """
        for line in self.process.stdout:
            self.lines.append(line)
            if found := next((text for text in texts if text in line), None):
                return found
        raise AssertionError(f"none of {texts} in {self.lines}")

    def code(self, patience: float = PATIENCE_SECONDS) -> int:
        self.lines += self.process.communicate(timeout=patience)[0].splitlines()
        return self.process.returncode

    def send(self, number: signal.Signals) -> None:
        """As a terminal does: to all processes at once."""
        os.killpg(self.process.pid, number)

    @property
    def alive(self) -> list[int]:
        """All processes of the session."""
        return in_session(self.process.pid)

    def end(self) -> None:
        """Leaves nothing of it behind."""
        for pid in self.alive:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def in_session(leader: int) -> list[int]:
    """Returns the processes of a session that have not ended."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if session_of(pid) == leader]


def session_of(pid: int) -> int | None:
    """Returns the leader of a process's session; None where it has ended."""
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(session)


def eventually(true: Callable[[], object], what: str, patience: float = PATIENCE_SECONDS) -> None:
    """Waits for something to become true.

    Raises:
        AssertionError: where it takes longer than anyone's patience.
    """
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)
