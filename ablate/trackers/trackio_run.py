"""The tracker `trackio`: a run of a project of Trackio, on this machine unless a space is named."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.plugins import tracker
from ablate.records import Status
from ablate.trackers.continued import FINAL, Continued, Images, run_name
from ablate.trackers.tracker import TrackedRun, Tracker

if TYPE_CHECKING:
    import numpy as np


class TrackioRun:
    """The run whose name ends with the id of the cell, begun with the settings."""

    def __init__(self, run: TrackedRun, project: str, space: str) -> None:
        from trackio.sqlite_storage import SQLiteStorage

        known = [name for name in SQLiteStorage.get_runs(project) if name.endswith(run.id)]
        self._name = known[0] if known else run_name(run)
        self._project, self._space = project, space
        last = SQLiteStorage.get_max_step_for_run(project, self._name) if known else None
        self.told = last or 0
        rows = SQLiteStorage.get_logs(project, self._name) if known else []
        self.measured = any(name.startswith(FINAL) for row in rows for name in row)
        self._run: Any = None

    def parameters(self, settings: Mapping[str, Any]) -> None:
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):  # it says at length where its page is
            self._run = trackio.init(
                self._project,
                name=self._name,
                config=dict(settings),
                resume="allow",
                space_id=self._space or None,
                embed=False,
            )

    def numbers(self, step: int, found: Mapping[str, float]) -> None:
        self._run.log(dict(found), step=step)

    def sheet(self, step: int, pixels: np.ndarray) -> None:
        import trackio

        self._run.log({"image above reconstruction": trackio.Image(pixels)}, step=step)

    def reconstruction(self, step: int, name: str, file: Path) -> None:
        import trackio

        self._run.log({f"test/{name}": trackio.Image(str(file))}, step=step)

    def event(self, step: int, kind: str, detail: str) -> None:
        self._run.log({f"event/{kind}": detail}, step=step)

    def end(self, status: Status, step: int, figures: Mapping[str, float]) -> None:
        if figures:
            self._run.log({**figures, "status": status.value}, step=step)
        with contextlib.redirect_stdout(io.StringIO()):
            self._run.finish()


@tracker(source="https://huggingface.co/docs/trackio", preload=("trackio",))
def trackio(run: TrackedRun, *, project: str = "", space: str = "", images: Images = 5) -> Tracker:
    """Keeps a run for each cell in a project, named like the grid unless `project` says otherwise.

    It lies where TRACKIO_DIR says, else in Trackio's own cache, and `trackio show --project GRID` shows it; `space` is
    one of Hugging Face, which it is sent to.
    """
    return Continued(run, TrackioRun(run, project or run.grid, space), images)
