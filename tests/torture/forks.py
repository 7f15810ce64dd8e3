"""Forks where Python would start another Python: fork servers and workers that need not import everything anew.

What they run is what they would run; only the seconds of their start are saved, so that they can be killed often.
"""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import signal
import sys
import traceback
from collections.abc import Sequence
from multiprocessing import util
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]
EXECUTOR_FILE = "own_executor.py"
OWN_EXECUTOR = re.compile(r"```python\n(# own_executor\.py\n.*?)```", re.DOTALL)
ROLES = ("forkserver", "spawn", "resource_tracker"[:15])
"""Modules of multiprocessing that a process runs; the system cuts its name."""


def install(executor_file: str) -> None:
    """Puts this in place for the rest of this process, and registers the executor of docs/extending.md, `spawned`."""
    util.spawnv_passfds = _fork  # type: ignore[assignment]
    runpy.run_path(executor_file)


def write_executor(directory: Path) -> None:
    """Writes the executor of docs/extending.md into a file."""
    text = OWN_EXECUTOR.search((ROOT / "docs" / "extending.md").read_text())
    assert text is not None, "docs/extending.md shows an executor"
    (directory / EXECUTOR_FILE).write_text(text[1])


def _fork(_path: str, arguments: Sequence[str | bytes], passed: Sequence[int]) -> int:
    pid = os.fork()
    return pid if pid else _become([os.fsdecode(argument) for argument in arguments], set(map(int, passed)))


def _become(arguments: list[str], passed: set[int]) -> NoReturn:
    """Is the Python that the command line asks for; as after exec, no handler and no other file is left."""
    try:
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            if callable(signal.getsignal(number)):
                default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, default)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2 and int(name) not in passed:
                with contextlib.suppress(OSError):  # the one that listed them
                    os.close(int(name))
        place = arguments.index("-c")
        module = re.match(r"from multiprocessing\.(\w+) ", arguments[place + 1])
        Path("/proc/self/comm").write_text(module[1][:15] if module else "other")
        sys.argv = ["-c", *arguments[place + 2 :]]
        exec(arguments[place + 1], {"__name__": "__main__"})  # what multiprocessing wants to be run
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1)
    except BaseException:  # noqa: BLE001 - as a Python that ends
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def role_of(pid: int) -> str | None:
    """Returns what a process was forked for, by its name: "forkserver", "spawn" or "resource_tracker"; None for others.

    The workers of a fork server have its name.
    """
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        return name if name in ROLES else None
    return None
