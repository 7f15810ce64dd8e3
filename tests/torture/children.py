"""Commands and functions of `ablate` in a process each, forked from one that has imported everything: some 20 ms."""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.execute.processes import in_session, session_of

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0
PRELOAD = (
    "ablate.cli.app",
    "ablate.analysis",
    "ablate.check",
    "ablate.report",
    "ablate.execute.cell",
    "ablate.execute.work",
    "ablate.execute.worker",
    "ablate.store.weights",
    "matplotlib.figure",
    "pandas",
    "scipy.stats",
    "seaborn",
    "torch._dynamo",
)
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
"""A process that has threads cannot be forked."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (minus the signal that killed it, None where it hung), and what it printed."""

    code: int | None
    output: str

    @property
    def is_fault(self) -> bool:
        """Whether it ended as nothing may: by hanging, by a signal, or by an error that nobody foresaw."""
        return self.code is None or self.code < 0 or self.code == 70 or "Traceback (most recent" in self.output


class Children:
    """Starts children one after the other; a context, at whose end none is left."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._output = Path(self._directory.name) / "output.txt"
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.children"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | ONE_THREAD | {"MPLBACKEND": "agg", "CUDA_VISIBLE_DEVICES": ""},
        )  # fmt: skip

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()
        self._directory.cleanup()

    def command(self, *arguments: str | Path, **options: Any) -> Ended:
        """Runs `ablate` with arguments; options as in `call`."""
        return self.call("tests.torture.children:command", *map(str, arguments), **options)

    def start(self, *arguments: str | Path, output: Path, before: Sequence[Sequence[Any]] = ()) -> Started:
        """Starts `ablate` with arguments, which goes on while others are started; `before` as in `call`."""
        calls = [*before, ("tests.torture.children:command", *map(str, arguments))]
        return Started(self, self._ask({"calls": calls, "limits": {}, "output": str(output), "wait": False}), output)

    def ended(self, pid: int, patience: float) -> int | None:
        """Returns the exit code of a child that was started, once it has ended; None where that takes too long."""
        return self._ask({"ended": pid, "patience": patience})

    def call(
        self,
        function: str,
        *arguments: Any,
        before: Sequence[Sequence[Any]] = (),
        limits: dict[str, int] | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Ended:
        """Calls a function, "module:name", with arguments that JSON knows; what it returns is the exit code.

        Args:
            function: to call.
            arguments: of it.
            before: functions to call first, each with its arguments: ("module:name", 1, 2).
            limits: of resources, by their names in `resource`: {"RLIMIT_NOFILE": 32}.
            patience: seconds after which it is killed, and has hung.
        """
        wanted = {"calls": [*before, (function, *arguments)], "limits": limits or {}, "patience": patience}
        code = self._ask({**wanted, "output": str(self._output), "wait": True})
        return Ended(code, self._output.read_text(errors="replace"))

    def _ask(self, wanted: dict[str, Any]) -> Any:
        self._server.stdin.write(json.dumps(wanted) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


class Started:
    """A command under way, in a session of its own, and all that it starts."""

    def __init__(self, children: Children, pid: int, output: Path) -> None:
        self.pid = pid
        self._children, self._output = children, output

    @property
    def alive(self) -> list[int]:
        """All processes of its session."""
        return in_session(self.pid)

    @property
    def running(self) -> bool:
        """Whether the command itself has not ended."""
        return session_of(self.pid) is not None

    def ended(self, patience: float = PATIENCE_SECONDS) -> Ended:
        """Returns how it ended, once it has; it is asked for once."""
        code = self._children.ended(self.pid, patience)
        return Ended(code, self._output.read_text(errors="replace"))


def command(*arguments: str) -> int:
    """Is `ablate` with arguments; returns its exit code."""
    from ablate.cli import main

    sys.argv = ["ablate", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return 0


def serve() -> None:
    """Forks a child for each line of standard input, and prints how it ended, or its id where nobody waits."""
    for module in PRELOAD:
        importlib.import_module(module)
    for line in sys.stdin:
        wanted = json.loads(line)
        sys.stdout.write(json.dumps(_answer(wanted)) + "\n")
        sys.stdout.flush()


def _answer(wanted: dict[str, Any]) -> int | None:
    if "ended" in wanted:
        return _waited(wanted["ended"], wanted["patience"])
    child = os.fork()
    if child == 0:
        _become(wanted)
    return _waited(child, wanted["patience"]) if wanted["wait"] else child


def _become(wanted: dict[str, Any]) -> None:
    code = 70
    try:
        os.setsid()
        with open(wanted["output"], "wb") as output, open(os.devnull, "rb") as nothing:
            for descriptor, file in ((0, nothing), (1, output), (2, output)):
                os.dup2(file.fileno(), descriptor)
        # With the buffers of the server nothing must be written twice.
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False, encoding="utf-8") for number in (1, 2))
        for name, value in wanted["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        for function, *arguments in wanted["calls"]:
            module, name = function.split(":")
            code = getattr(importlib.import_module(module), name)(*arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - whatever it is, it is the child's end
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code if isinstance(code, int) else 0)


def _waited(child: int, patience: float) -> int | None:
    end = time.monotonic() + patience
    pause = 0.001
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(pause)
        pause = min(0.02, 2 * pause)


if __name__ == "__main__":
    serve()
