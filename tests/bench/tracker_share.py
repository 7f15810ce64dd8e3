"""How much processor time a tracker costs a grid of 12 cells; it shall be under 2 %.

    python -m tests.bench.tracker_share [TRACKER]... [--steps N]

Trains the first cell of grids/quickstart.toml without its warm-up, in this process and in a temporary directory,
measures it and commits it, followed by all the trackers. Counts the processor time of every call that each gets, with
all its threads and the processes that it ended, and what comes once a grid: importing what it needs, which the process
that workers are forked from does, and its first run, which makes files and tables. Pairs of whole grids would say less:
two runs of one grid differ by more than 2 % where anything else runs on the machine.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from ablate.config import Cell
from ablate.execute import cell as executed
from ablate.execute import load_plan
from ablate.execute.work import PRELOAD, keep_freed_memory
from ablate.records import CellSettings, Environment, Status
from ablate.store import Entry, Store
from ablate.terms import Term
from ablate.trackers import tracking
from ablate.trackers.catalogue import modules
from ablate.trackers.tracker import Tracker

GRID = Path(__file__).parents[2] / "grids" / "quickstart.toml"
CELLS = 12


class Counted:
    """A tracker whose calls are counted."""

    def __init__(self, tracker: Tracker, seconds: dict[str, float], name: str) -> None:
        self._tracker, self._seconds, self._name = tracker, seconds, name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        called = getattr(self._tracker, method)
        return lambda *given: counted(self._seconds, self._name, called, *given)


def used() -> float:
    """Returns the processor time of this process and of those that it started and that have ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def counted(seconds: dict[str, float], name: str, function: Callable[..., Any], *given: Any) -> Any:
    began = used()
    try:
        return function(*given)
    finally:
        seconds[name] += used() - began


def begun(store: Store, cell: Cell) -> Entry:
    entry = store.cell(cell.id)
    entry.write_settings(CellSettings(id=cell.id, label="a cell", cell=cell.model_dump(mode="json")))
    entry.begin_attempt(Environment(device="cpu"))
    return entry


def first_runs(store: Store, cell: Cell, terms: tuple[Term, ...]) -> dict[str, float]:
    """Returns the seconds of each tracker that come once a grid: its imports, and the first run that it opens."""
    once: dict[str, float] = defaultdict(float)
    for name in PRELOAD:
        importlib.import_module(name)
    other = begun(store, cell.model_copy(update={"seed": 99}))
    for term in terms:
        for name in modules([term.name]):
            counted(once, term.name, importlib.import_module, name)
        with tracking.Tracking(other, 1, (term,)) as told:
            counted(once, term.name, told.begin, 0)
            told.ends(Status.interrupted)
    return once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trackers", nargs="*", default=["tensorboard", "mlflow"])
    parser.add_argument("--steps", type=int, help="of the training, in place of the grid's")
    options = parser.parse_args()
    terms = tuple(Term(name=name) for name in options.trackers)
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as directory:
        plan = load_plan(GRID, Path(directory))
        cell = Cell.model_validate(plan.points[0].cell)
        if options.steps:
            cell = cell.model_copy(update={"train": cell.train.model_copy(update={"steps": options.steps})})
        store = Store(Path(directory), plan.name)
        once = first_runs(store, cell, terms)
        entry, seconds = begun(store, cell), defaultdict[str, float](float)

        def opened(term: Term, run: Any) -> Counted:
            return Counted(counted(seconds, term.name, open_tracker, term, run), seconds, term.name)

        open_tracker = tracking.open_tracker
        began = used()
        with mock.patch.object(tracking, "open_tracker", opened):
            common: dict[str, Any] = {"data_cache": store.data_cache, "device": "cpu", "stop": lambda: False}
            executed.run_cell(cell, entry, warmup=None, attempt=1, trackers=terms, **common)
        alone = used() - began - sum(seconds.values())
        assert not [event for event in entry.events() if event.kind == "tracker_failed"]
    print(f"{cell.train.steps} steps, {alone:.1f} s of processor time without a tracker")
    for term in terms:
        share = (once[term.name] + CELLS * seconds[term.name]) / (CELLS * alone)
        print(
            f"{term.name}: {seconds[term.name]:.3f} s a cell ({100 * seconds[term.name] / alone:.2f} %), "
            f"{once[term.name]:.2f} s once: {100 * share:.2f} % of {CELLS} such cells"
        )


if __name__ == "__main__":
    main()
