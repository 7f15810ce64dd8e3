"""Any program as a codec: run in a scratch directory for one image, its files counted and its decoded image read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

INPUT, OUTPUT, DECODED, LOG = "input.png", "output", "decoded.png", "log.txt"
POLL = 0.5
"""Seconds after which a thread that waits for a program looks whether anybody still wants it."""
TOLD = 300
"""Characters of what a program said last that a failure repeats."""


class Failure(StrEnum):
    """Why an image has no file or no reconstruction."""

    not_found = "not_found"
    timeout = "timeout"
    exit_code = "exit_code"
    no_file = "no_file"
    no_image = "no_image"
    other_size = "other_size"
    not_held = "not_held"
    interrupted = "interrupted"


class CommandError(ValueError):
    """An image that a codec did not code or decode; `failure` says why."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


@dataclass(frozen=True)
class Command:
    """Programs with placeholders, run one after another; together they may take `timeout` seconds.

    `directory` stands for `{grid}`, and programs that are named by a relative path are looked for there.
    """

    templates: tuple[str, ...]
    timeout: float
    directory: Path
    ended: threading.Event = field(default_factory=threading.Event)
    """Set from another thread where nobody waits for the programs any more."""

    def run(self, scratch: Path, quality: float | str | None) -> int:
        """Codes and decodes `scratch`/input.png and returns the bytes of all files whose paths begin with "output".

        What is to be measured lies in `scratch`/decoded.png afterwards.

        Raises:
            CommandError: where a program is not there, fails, takes too long, or leaves no file or no image.
        """
        places = {"input": INPUT, "output": OUTPUT, "decoded": DECODED}
        values = {name: str(scratch / file) for name, file in places.items()}
        values |= {"quality": "" if quality is None else str(quality), "grid": str(self.directory)}
        deadline = time.monotonic() + self.timeout
        for template in self.templates:
            self._run_one(self._arguments(template, values), scratch, deadline)
        written = (path for path in scratch.rglob("*") if path.relative_to(scratch).parts[0].startswith(OUTPUT))
        size = sum(path.stat().st_size for path in written if path.is_file())
        if size == 0:
            raise CommandError(Failure.no_file, f"it wrote no bytes to {{output}}{_last_words(scratch)}")
        if not (scratch / DECODED).is_file():
            raise CommandError(Failure.no_image, f"it wrote no {{decoded}}{_last_words(scratch)}")
        return size

    def digest(self) -> str:
        """Returns a hash of the programs and of every file that the command names, by which another one is known."""
        content = hashlib.sha256()
        for template in self.templates:
            for number, part in enumerate(self._arguments(template, {"grid": str(self.directory)})):
                found = shutil.which(part) if number == 0 else part
                if found and os.path.isfile(found):
                    content.update(Path(found).read_bytes())
                content.update(part.encode() + b"\0")
        return content.hexdigest()

    def _arguments(self, template: str, values: Mapping[str, str]) -> list[str]:
        """Splits before it fills in, so that a path with spaces stays one argument and nothing is read as a shell's."""
        kept = {name: f"{{{name}}}" for name in ("input", "output", "decoded", "quality", "grid")}
        parts = [part.format(**{**kept, **values}) for part in shlex.split(template)]
        if "/" in parts[0]:
            parts[0] = str(self.directory / parts[0])
        return parts

    def _run_one(self, arguments: list[str], scratch: Path, deadline: float) -> None:
        with (scratch / LOG).open("ab") as log:
            try:
                process = subprocess.Popen(
                    arguments, cwd=scratch, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise CommandError(Failure.not_found, f"{arguments[0]} cannot be run: {error.strerror}") from error
            try:
                code = self._wait(process, deadline)
            finally:
                _end(process)
        if code:
            ended = f"the signal {-code}" if code < 0 else f"exit code {code}"
            raise CommandError(Failure.exit_code, f"it ended with {ended}{_last_words(scratch)}")

    def _wait(self, process: subprocess.Popen[bytes], deadline: float) -> int:
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(min(left, POLL))
            if self.ended.is_set():
                raise CommandError(Failure.interrupted, "it was interrupted")
        raise CommandError(Failure.timeout, f"it took more than {self.timeout:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program with all that it started; what has ended already is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(scratch: Path) -> str:
    said = " ".join((scratch / LOG).read_text(errors="replace").split())
    return f": {said[-TOLD:]}" if said else ""
