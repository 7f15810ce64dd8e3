"""Stops real trainings as terminals, schedulers and `timeout` do, with two signals in a row, and looks for their state.

    python -m tests.execute.stopped_by_signals [--rounds 50]

Only a stop saves anything here: no checkpoint is due before. Each round goes on where the one before was stopped, so
that state which was not saved is seen at once. Too long for every test run: some eight minutes on two cores. Exits with
1 where a state was lost.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ablate.execute.work import saved_step
from ablate.store import Entry, Store
from tests.execute.processes import ROOT, PythonProcess, eventually, in_session

GRID = """
schema = 1
name = "stopped"
[base]
preset = "tiny"
model.width = 8
discriminator.width = 8
data.crop = 32
train.steps = 1_000_000
train.warmup_steps = 0
train.checkpoint_every = 1_000_000
train.log_every = 1
[axes]
"loss.adversarial" = ["lsgan", "hinge"]
[execution]
workers = 2
"""
PAIRS = (
    (signal.SIGTERM, signal.SIGTERM),
    (signal.SIGHUP, signal.SIGHUP),
    (signal.SIGHUP, signal.SIGTERM),
    (signal.SIGUSR1, signal.SIGTERM),
)
DELAYS = (0.005, 0.01, 0.05, 0.5)
PATIENCE = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args(arguments)
    lost = 0
    with tempfile.TemporaryDirectory() as directory:
        trainings = Trainings(Path(directory))
        for number, (name, stopped) in enumerate(itertools.islice(itertools.cycle(ways()), options.rounds), 1):
            stopped(trainings)
            wrong = trainings.lost()
            lost += bool(wrong)
            print(f"{number}: {name}: {'; '.join(wrong) or trainings.saved()}", flush=True)
    print(f"state saved {options.rounds - lost} times of {options.rounds}")
    return 1 if lost else 0


class Trainings:
    """Two cells in a store that are trained, stopped and looked at, again and again."""

    def __init__(self, directory: Path) -> None:
        self.runs = directory / "runs"
        (directory / "stopped.toml").write_text(GRID)
        grid = str(directory / "stopped.toml")
        self.command = ("-m", "ablate", "run", grid, "--no-references", "--runs-dir", str(self.runs))
        self.steps: dict[str, int] = {}
        self.attempts = 0
        self.seconds = 0.0
        """How long the last start took until both trained."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        return Store(self.runs, "stopped").cells()

    def wait(self) -> None:
        """Waits until both cells train in a new attempt, and a moment longer."""
        began = time.monotonic()
        self.attempts += 1
        eventually(self.training, "the cells never trained", PATIENCE)
        self.seconds = time.monotonic() - began
        time.sleep(random.uniform(0, 0.3))

    def training(self) -> bool:
        rows = [entry.last_row() for entry in self.entries]
        return len(rows) == 2 and all(row is not None and row.attempt == self.attempts for row in rows)

    def lost(self) -> list[str]:
        """Says what is wrong with the states that the latest attempts should have left."""
        wrong = []
        for entry in self.entries:
            ended, before = entry.attempts()[-1].exit(), self.steps.get(entry.path.name, 0)
            saved = saved_step(entry.checkpoint) if entry.checkpoint.exists() else 0
            if ended is None or ended.status != "interrupted" or not before < ended.step == saved:
                wrong.append(f"{entry.path.name} was at {before}, has saved {saved}, and ended as {ended}")
            self.steps[entry.path.name] = saved
        return wrong if self.entries else ["nothing began"]

    def saved(self) -> str:
        return "saved at " + ", ".join(map(str, self.steps.values()))


Way = Callable[[Trainings], None]


def ways() -> Iterator[tuple[str, Way]]:
    """Yields all ways to stop, fifty in all."""
    for first, second in PAIRS:
        for delay, everyone in itertools.product(DELAYS, (False, True)):
            whom = "all processes" if everyone else "the runner"
            yield (
                f"{first.name}, {second.name} after {delay * 1000:.0f} ms to {whom}",
                twice(first, second, delay, everyone),
            )
    for number in range(9):
        yield f"the terminal is closed ({number + 1})", closed_terminal
        yield f"timeout ({number + 1})", by_timeout


def twice(first: signal.Signals, second: signal.Signals, delay: float, everyone: bool) -> Way:
    """Sends two signals, to the runner alone or to all of its processes."""

    def stop(trainings: Trainings) -> None:
        runner = PythonProcess(*trainings.command, "--no-progress")
        send = os.killpg if everyone else os.kill
        try:
            trainings.wait()
            send(runner.process.pid, first)
            time.sleep(delay)
            with suppress(ProcessLookupError):  # it may have ended already
                send(runner.process.pid, second)
            code = runner.code(PATIENCE)
            # One that was done within the delay meets the second signal after its handlers were taken down.
            assert code in (130, -second), (code, runner.lines)
            assert any("stopping: every cell saves its state" in line for line in runner.lines), runner.lines
            eventually(lambda: not runner.alive, "a process outlived its runner")
        finally:
            runner.end()

    return stop


def by_timeout(trainings: Trainings) -> None:
    """Runs under `timeout`, which signals its child, and then all processes of its group."""
    seconds = trainings.seconds + 2
    while True:
        runner = PythonProcess(*trainings.command, "--no-progress", under=("timeout", f"{seconds:.1f}"))
        try:
            began = len(list(trainings.runs.glob("*/cells/*/attempts/*")))
            assert runner.code(PATIENCE + seconds) == 124
            eventually(lambda ended=runner: not ended.alive, "a process outlived its runner", PATIENCE)
        finally:
            runner.end()
        if len(list(trainings.runs.glob("*/cells/*/attempts/*"))) == began + 2:
            trainings.attempts += 1
            return
        seconds *= 2  # it ended before the trainings began: the machine is busy


def closed_terminal(trainings: Trainings) -> None:
    """Runs in a terminal under a shell, and closes the terminal as an ssh that drops does."""
    ours, theirs = os.openpty()
    shell = subprocess.Popen(
        ["setsid", "--ctty", "sh", "-c", '"$@"; true', "sh", sys.executable, *trainings.command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(theirs)
    closing = threading.Event()
    reading = threading.Thread(target=_read_all, args=(ours, closing))
    reading.start()
    try:
        trainings.wait()
        closing.set()
        reading.join()
        os.close(ours)
        shell.wait(PATIENCE)
        eventually(lambda: not in_session(shell.pid), "a process outlived its terminal", PATIENCE)
    finally:
        closing.set()
        for pid in in_session(shell.pid):
            os.kill(pid, signal.SIGKILL)
        shell.wait()


def _read_all(terminal: int, closing: threading.Event) -> None:
    """Reads what is shown, as a terminal does: who writes would wait otherwise."""
    os.set_blocking(terminal, False)
    while not closing.wait(0.02):
        with suppress(BlockingIOError, OSError):
            while os.read(terminal, 1 << 16):
                pass


if __name__ == "__main__":
    sys.exit(main())
