"""Displays of a run: a live table in a terminal, else a line for each thing that happens."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ablate.cli.process import ReaderGoneError, printable, unescaped
from ablate.cli.terminal import duration, number, paint
from ablate.execute.snapshot import Running, Snapshot
from ablate.records import Status

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from ablate.execute import Job, JobResult, RunListener
    from ablate.store import Store

REFRESH_SECONDS = 0.5
MOST_ROWS = 24
"""Of trainings under way; a cluster has hundreds."""


@contextmanager
def watching(store: Store, live: bool) -> Iterator[RunListener]:
    """Gives the display of a run: a live table where `live` is wanted and the output is a notebook or a terminal."""
    if live and _in_notebook():
        yield Steady(LiveTable(store, NotebookCell()))
        return
    if not (live and in_place()):
        yield Steady(Lines(store))
        return
    from rich.console import Console
    from rich.live import Live

    with Live(
        console=Console(file=unescaped(sys.stdout), highlight=False), auto_refresh=False, transient=True
    ) as table:
        yield Steady(LiveTable(store, table))


def in_place() -> bool:
    """Whether the output goes to a terminal that can be redrawn."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def _in_notebook() -> bool:
    """Returns whether the output goes to a Jupyter notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


class NotebookCell:
    """What `LiveTable` draws on in a notebook: the table is replaced in place, and messages stand around it."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console()
        self._shown: Any = None

    def update(self, table: Table, *, refresh: bool) -> None:
        if self._shown is None:
            from IPython.display import display

            self._shown = display(table, display_id=True)
        elif refresh:
            self._shown.update(table)


class Steady:
    """A display that may break without ending the run: once it raised something it is called no more."""

    def __init__(self, display: RunListener) -> None:
        self.display: RunListener | None = display

    def on_message(self, text: str) -> None:
        self._call("on_message", text)

    def on_start(self, job: Job) -> None:
        self._call("on_start", job)

    def on_end(self, job: Job, result: JobResult, look: Callable[[], Snapshot]) -> None:
        self._call("on_end", job, result, look)

    def on_tick(self, look: Callable[[], Snapshot]) -> None:
        self._call("on_tick", look)

    def _call(self, method: str, *arguments: object) -> None:
        if self.display is None:
            return
        try:
            getattr(self.display, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - hours of training do not end with what shows them
            self.display = None
            if not isinstance(error, OSError | ReaderGoneError):  # that is a pipe or a terminal which was closed
                with contextlib.suppress(Exception):
                    print(f"the display broke ({error!r}); the run goes on", file=sys.stderr)  # noqa: T201


class Lines:
    """One plain line for each thing that happens, with the time of day."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def on_message(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)  # noqa: T201

    def on_start(self, job: Job) -> None:
        self.on_message(f"start     {printable(job.label)}")

    def on_end(self, job: Job, result: JobResult, look: Callable[[], Snapshot]) -> None:
        self.on_message(_ended(self._store, job, result, look()))

    def on_tick(self, look: Callable[[], Snapshot]) -> None:
        """A line is written for what happens, not for time that goes by."""


class LiveTable:
    """A table of what runs now above a bar, redrawn in place; what happened scrolls away above it."""

    def __init__(self, store: Store, live: Live | NotebookCell) -> None:
        self._store = store
        self._live = live
        self._drawn_at = 0.0

    def on_message(self, text: str) -> None:
        self._live.console.print(text, markup=False)

    def on_start(self, job: Job) -> None:
        """The table shows it."""

    def on_end(self, job: Job, result: JobResult, look: Callable[[], Snapshot]) -> None:
        from rich.text import Text

        self._live.console.print(Text.from_ansi(_ended(self._store, job, result, look())))

    def on_tick(self, look: Callable[[], Snapshot]) -> None:
        if time.monotonic() - self._drawn_at < REFRESH_SECONDS:
            return
        self._live.update(draw(look()), refresh=True)
        self._drawn_at = time.monotonic()


def draw(snapshot: Snapshot) -> Table:
    """Returns the display of a moment: a row for each training under way, then the bar and the counts."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    rows = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("training", "phase", "step", "loss", "steps/s"):
        rows.add_column(title, justify="left" if title in ("training", "phase") else "right", no_wrap=True)
    shown = sorted(snapshot.running, key=lambda running: not running.step)[:MOST_ROWS]
    for running in shown:
        rows.add_row(*_cells(running))
    if more := len(snapshot.running) - len(shown):
        rows.add_row(f"and {more} more")
    whole = Table.grid()
    whole.add_row(rows)
    bar = Table.grid(padding=(0, 1))
    drawn = ProgressBar(total=1.0, completed=snapshot.fraction, width=40)
    bar.add_row(drawn, f"{snapshot.fraction:4.0%}", _left(snapshot))
    whole.add_row(bar)
    whole.add_row(_counts(snapshot))
    return whole


def _cells(running: Running) -> tuple[str, ...]:
    label = printable(running.label) + ("" if running.here else " (another process)")
    rate = number(running.steps_per_second, 1)
    return label, running.phase, f"{running.step}/{running.steps}", number(running.loss, 3), rate


def _counts(snapshot: Snapshot) -> str:
    cells = snapshot.cells
    counts = {status.value: cells[status] for status in (Status.done, Status.running, Status.failed, Status.diverged)}
    counts["pending"] = cells[Status.pending] + cells[Status.interrupted]
    counts |= {status.value: cells[status] for status in Status if status.damaged and cells[status]}
    return f"{snapshot.what}: " + " · ".join(f"{count} {word}" for word, count in counts.items())


def line(snapshot: Snapshot) -> str:
    """Returns the display of a moment as one line."""
    steps = ", ".join(f"{printable(each.label)} {each.phase} {each.step}/{each.steps}" for each in snapshot.running)
    return "  ".join([f"{snapshot.fraction:4.0%}", _counts(snapshot), _left(snapshot), *([steps] if steps else [])])


def _left(snapshot: Snapshot) -> str:
    guess = "" if snapshot.measured else " (a guess)"
    return f"about {duration(snapshot.seconds_left)} left{guess}"


def _ended(store: Store, job: Job, result: JobResult, snapshot: Snapshot) -> str:
    finished = sum(count for status, count in snapshot.cells.items() if status.finished)
    total = sum(snapshot.cells.values())
    stopped = result.status is Status.interrupted
    shown = "stopped " if stopped else paint(result.status.ljust(8), result.status)
    parts = [f"{shown}  {printable(job.label)}", _counted(job, result), duration(result.seconds)]
    figures = job.entry(store).result()
    psnr = figures.score("psnr") if figures else None
    if psnr is not None:
        parts.append(f"psnr {psnr:.2f}")
    if result.cause:
        parts.append(printable(result.cause))
    return "  ".join([*parts, f"[{finished}/{total} {snapshot.what}, {_left(snapshot)}]"])


def _counted(job: Job, result: JobResult) -> str:
    return f"{result.step} reconstructions" if job.kind == "measure" else f"step {result.step}"
