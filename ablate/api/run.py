"""Training from Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from ablate.api.grid import Grid
from ablate.api.open_study import OpenStudy
from ablate.api.open_study import open as open_study


def run(
    grid: str | Path | Grid,
    *,
    runs_dir: str | Path = "runs",
    select: str | None = None,
    limit: int | None = None,
    workers: int | None = None,
    threads: int | None = None,
    device: str | None = None,
    kernels: str | None = None,
    executor: str | None = None,
    track: str | Sequence[str] = (),
    references: bool = True,
    progress: bool = True,
) -> OpenStudy:
    """Trains every cell of a grid that is not finished, measures it, and returns the study; the same as `ablate run`.

    What is finished already is not trained again, and what was interrupted goes on where it was. Cells run in
    processes of their own, which do not import the calling script: losses and metrics of your own belong into a file
    that `[plugins]` names.

    Args:
        grid: a grid file, or a `Grid`, which is written to NAME.toml first.
        runs_dir: where results are kept.
        select: an expression over labels, "hinge and seed=0".
        limit: train at most so many cells.
        workers: cells at once; one a core where it is not given.
        threads: of each cell.
        device: "auto", "cpu" or "cuda".
        kernels: "auto" or "eager".
        executor: who runs the cells.
        track: trackers that follow the trainings, with options if you like: "csv", "mlflow uri=http://localhost:5000".
        references: whether other codecs are measured at the end.
        progress: whether a live table is drawn, in a terminal or a notebook.

    Raises:
        GridError: with every mistake of the grid file.
        ValueError: for other arguments that mean nothing.
        KeyboardInterrupt: where it was interrupted; every cell saved its state.
    """
    import typer

    from ablate.cli.run import run as run_command
    from ablate.execute.runner import INTERRUPTED

    path = grid.write() if isinstance(grid, Grid) else Path(grid)
    code = 0
    try:
        with _apart_from_the_script():
            run_command(
                path, workers=workers, threads=threads, device=device, kernels=kernels, limit=limit, select=select,
                executor=executor, track=[track] if isinstance(track, str) else list(track), dry_run=False, wait=True,
                progress=progress, references=references, runs_dir=Path(runs_dir),
            )  # fmt: skip
    except typer.Exit as ended:
        code = ended.exit_code
    if code == INTERRUPTED:
        raise KeyboardInterrupt("the run was interrupted; run it again to go on")
    return open_study(path, runs_dir=runs_dir)


@contextmanager
def _apart_from_the_script() -> Iterator[None]:
    """Hides the main module from multiprocessing, which would import a script again in each worker and run it there."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
