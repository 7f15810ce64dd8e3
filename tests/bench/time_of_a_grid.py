"""Where the processor time of `ablate run` goes: python -m tests.bench.time_of_a_grid [GRID].

The command runs as it is, with its workers' functions watched: each books its own processor time, without that of the
watched functions that it calls. Unlike the wall clock this can be read beside other work; all of it is then larger, and
the shares stay.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import importlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

GRID = Path(__file__).parents[2] / "grids" / "quickstart.toml"
PARTS = {
    "ablate.execute.cell:train_cell": "images, first weights, proofs of what C computes",
    "ablate.execute.cell:train_warmup": "images, first weights, proofs of what C computes",
    "ablate.train.run:train": "telemetry, checks, checkpoints",
    "ablate.train.run:warm_up": "steps of the warm-up",
    "ablate.train.loop:training_step": "steps of the cells",
    "ablate.evaluate.measure:_through": "files, written and read again",
    "ablate.evaluate.measure:ImageRow.of": "metrics of images",
    "ablate.evaluate.measure:image_features": "features for distances",
    "ablate.evaluate.measure:Look.through": "features for distances",
    "ablate.execute.cell:require_measures": "features for distances",
    "ablate.evaluate.measure:to_png": "PNGs",
}
REST = "the rest of the workers"
PLACE = "ABLATE_TIME_OF_A_GRID"


class Books:
    """The processor time of a process by part: that of the innermost watched function that runs."""

    def __init__(self) -> None:
        self.seconds: collections.Counter[str] = collections.Counter()
        self._open = [REST]
        self._since = 0.0

    def close(self) -> None:
        """Books the time since the last change."""
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def watched(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """Returns a function whose time is a part's."""

        @functools.wraps(function)
        def watching(*arguments: Any, **options: Any) -> Any:
            self.close()
            self._open.append(part)
            try:
                return function(*arguments, **options)
            finally:
                self.close()
                self._open.pop()

        return watching


def train(*arguments: Any) -> Any:
    """Does a job as `ablate run` does, and leaves beside the store where its time went."""
    from ablate.execute import work

    books = Books()
    for path, part in PARTS.items():
        module, _, name = path.partition(":")
        *holders, last = name.split(".")
        holder: Any = functools.reduce(getattr, holders, importlib.import_module(module))
        function = books.watched(getattr(holder, last), part)
        setattr(holder, last, staticmethod(function) if holders else function)
    try:
        return work.train(*arguments)
    finally:
        books.close()
        (Path(os.environ[PLACE]) / f"{os.getpid()}.json").write_text(json.dumps(books.seconds))


def run(grid: Path, directory: Path) -> dict[str, float]:
    """Runs a grid; returns the processor seconds of its parts, in all processes."""
    import ablate.execute
    from ablate.cli.app import app
    from ablate.execute.work import TRAINING
    from tests.bench.time_of_a_grid import train as by_name

    os.environ[PLACE] = str(directory)
    work = dataclasses.replace(TRAINING, function=by_name)
    ablate.execute.run = functools.partial(ablate.execute.run, work=work)
    app(
        ["run", str(grid), "--runs-dir", str(directory / "runs"), "--threads", "1", "--no-progress", "--no-references"],
        standalone_mode=False,
    )
    found: collections.Counter[str] = collections.Counter()
    for path in directory.glob("*.json"):
        found.update(json.loads(path.read_text()))
    found["the runner: imports, plan, watching"] = time.process_time()

    # The fork server's own time is what its children did not take.
    forkserver._forkserver._stop()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    workers = sum(found[part] for part in {*PARTS.values(), REST})
    found["the fork server: imports"] = used.ru_utime + used.ru_stime - workers
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("grid", type=Path, nargs="?", default=GRID)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = run(options.grid, Path(directory))
    whole = sum(found.values())
    for part, seconds in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{part:52} {seconds:7.2f} s {seconds / whole:6.1%}")
    print(f"{'all':52} {whole:7.2f} s")


if __name__ == "__main__":
    main()
