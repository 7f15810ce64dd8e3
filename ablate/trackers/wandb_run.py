"""The tracker `wandb`: a run of Weights & Biases, kept on this machine until `wandb sync` unless it shall be online."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.plugins import tracker
from ablate.records import Status
from ablate.registry import chosen
from ablate.trackers.continued import Continued, Images, place, run_name
from ablate.trackers.tracker import TrackedRun, Tracker

if TYPE_CHECKING:
    import numpy as np

os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # offline, too, its makers would be told of its errors

UNASKED = {"x_disable_stats": True, "x_disable_meta": True, "x_save_requirements": False}
"""What it would collect of the machine and its packages at each start, in half of what a short run costs; attempts
record it."""
MODES = {mode: mode for mode in ("offline", "online", "disabled")}


class WandbRun:
    """The run with the id of the cell; its steps only grow, so that the last one told stands in a file beside it."""

    def __init__(self, run: TrackedRun, directory: Path, **where: Any) -> None:
        import wandb

        directory.mkdir(parents=True, exist_ok=True)
        self._last = directory / f"{run.id}.step"
        self._run = wandb.init(
            id=run.id,
            name=run_name(run),
            dir=str(directory),
            resume="allow",
            settings=wandb.Settings(console="off", silent=True, disable_git=True, **UNASKED),
            **where,
        )
        told, *measured = self._last.read_text().split() if self._last.exists() else ["0"]
        self.told, self.measured = max(int(told), self._run.step - 1), bool(measured)

    def parameters(self, settings: Mapping[str, Any]) -> None:
        self._run.config.update(dict(settings), allow_val_change=True)

    def numbers(self, step: int, found: Mapping[str, float]) -> None:
        self._run.log(dict(found), step=step)
        self._last.write_text(str(step))

    def sheet(self, step: int, pixels: np.ndarray) -> None:
        import wandb

        self._run.log({"image above reconstruction": wandb.Image(pixels)}, step=step)

    def reconstruction(self, step: int, name: str, file: Path) -> None:
        import wandb

        self._run.log({f"test/{name}": wandb.Image(str(file))}, step=step)

    def event(self, step: int, kind: str, detail: str) -> None:
        self._run.summary[f"event/{kind}"] = f"step {step}: {detail}"

    def end(self, status: Status, step: int, figures: Mapping[str, float]) -> None:
        import wandb

        self._run.summary.update({**figures, "status": status.value})
        if figures:
            self._last.write_text(f"{step} measured")
        self._run.finish(exit_code=0 if status is not Status.failed else 1)
        wandb.teardown()  # its service would outlive a worker, which ends without Python's exit functions


@tracker(source="https://docs.wandb.ai/ref/python/init", preload=("wandb",))
def wandb(
    run: TrackedRun,
    *,
    project: str = "",
    entity: str = "",
    mode: str = "offline",
    directory: str = "wandb",
    images: Images = 5,
) -> Tracker:
    """Keeps a run for each cell in a project, named like the grid unless `project` says otherwise.

    Offline it lies in `directory`, a relative one in the results of the grid: `wandb sync --append
    runs/GRID/wandb/wandb/offline-run-*` sends it. `mode` is offline, online or disabled.
    """
    where = {"project": project or run.grid, "entity": entity or None, "mode": chosen("mode of wandb", mode, MODES)}
    return Continued(run, WandbRun(run, place(run, directory), **where), images)
