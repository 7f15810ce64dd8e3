"""The tracker `mlflow`: a run of an MLflow experiment, in a local SQLite file unless a server is named."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.plugins import tracker
from ablate.records import Status
from ablate.trackers.continued import FINAL, Continued, Images, png, run_name
from ablate.trackers.tracker import TrackedRun, Tracker

if TYPE_CHECKING:
    import numpy as np

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of every run

AT_ONCE = {"metrics": 800, "params": 100, "tags": 100}
"""How much MLflow takes in one call."""
WAIT_SECONDS, WAIT_WRITES = 5.0, 200
"""How long all is kept to be written together: so many seconds, and as many times as long as writing took.

Numbers that a kill takes are told again by the next attempt.
"""
LONGEST = 6000
"""Characters of a parameter that it takes."""
ID = "ablate.id"
"""The tag that a run is found by again."""
ENDED = {Status.done: "FINISHED", Status.diverged: "FINISHED", Status.interrupted: "KILLED"}
"""What MLflow calls how an attempt ended; all else has failed."""


class MlflowRun:
    """The run of a training in an experiment: the one that has its id, or a new one."""

    def __init__(self, run: TrackedRun, uri: str, experiment: str) -> None:
        local = (run.results / "mlflow").absolute()
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI", "")
        with _alone(local) if not uri else contextlib.nullcontext():
            self._open(run, uri or f"sqlite:///{local / 'mlflow.db'}", experiment, None if uri else local)
        self._waiting: dict[str, list[Any]] = {kind: [] for kind in AT_ONCE}
        self._due = time.time() + WAIT_SECONDS
        self.told, self.measured, self._bare = (0, False, True) if self._new else self._kept()

    def _open(self, run: TrackedRun, uri: str, experiment: str, local: Path | None) -> None:
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each table that it makes
        self._client = MlflowClient(tracking_uri=uri)
        known = self._client.get_experiment_by_name(experiment)
        artifacts = (local / "artifacts").as_uri() if local else None
        place = known.experiment_id if known else self._client.create_experiment(experiment, artifacts)
        found = self._client.search_runs([place], f"tags.`{ID}` = '{run.id}'", max_results=1)
        if found:
            self._id, self._new = found[0].info.run_id, False
            self._client.update_run(self._id, status="RUNNING")
        else:
            tags = {ID: run.id, "ablate.grid": run.grid, "ablate.label": run.label}
            self._id, self._new = self._client.create_run(place, tags=tags, run_name=run_name(run)).info.run_id, True

    def _kept(self) -> tuple[int, bool, bool]:
        history, data = self._client.get_metric_history(self._id, "t"), self._client.get_run(self._id).data
        figures = any(name.startswith(FINAL) for name in data.metrics)
        return max((each.step for each in history), default=0), figures, not data.params

    def parameters(self, settings: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        if self._bare:
            self._waiting["params"] = [Param(key, str(value)[:LONGEST]) for key, value in settings.items()]

    def numbers(self, step: int, found: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = time.time()
        new = [Metric(name, float(value), int(now * 1000), step) for name, value in found.items()]
        self._waiting["metrics"] += new
        if now > self._due:
            self._write()

    def _write(self) -> None:
        began = time.time()
        while any(self._waiting.values()):
            batch: dict[str, Any] = {kind: waiting[: AT_ONCE[kind]] for kind, waiting in self._waiting.items()}
            self._client.log_batch(self._id, **batch)
            self._waiting = {kind: waiting[AT_ONCE[kind] :] for kind, waiting in self._waiting.items()}
        self._due = time.time() + max(WAIT_SECONDS, WAIT_WRITES * (time.time() - began))

    def sheet(self, step: int, pixels: np.ndarray) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / f"step {step:08}.png"
            file.write_bytes(png(pixels))
            self._client.log_artifact(self._id, str(file), "image above reconstruction")

    def reconstruction(self, step: int, name: str, file: Path) -> None:  # noqa: ARG002 - a run has one last step
        self._client.log_artifact(self._id, str(file), "test")

    def event(self, step: int, kind: str, detail: str) -> None:
        self._tag(f"event.{kind}", f"step {step}: {detail}"[:LONGEST])
        self._due = 0.0  # with the numbers of the next log point: no later attempt may tell of it again

    def end(self, status: Status, step: int, figures: Mapping[str, float]) -> None:
        if figures:
            self.numbers(step, figures)
        self._tag("ablate.status", status.value)
        self._write()
        self._client.set_terminated(self._id, ENDED.get(status, "FAILED"))

    def _tag(self, name: str, value: str) -> None:
        from mlflow.entities import RunTag

        self._waiting["tags"].append(RunTag(name, value))


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Waits for other processes that open the same file: the first one makes its tables."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


PRELOAD = (
    "mlflow", "mlflow.tracking.client", "mlflow.store.tracking.sqlalchemy_store", "alembic",
    "sqlalchemy.dialects.sqlite", "PIL.WebPImagePlugin",
)  # fmt: skip


@tracker(source="https://mlflow.org/docs/latest/ml/tracking", preload=PRELOAD)
def mlflow(run: TrackedRun, *, uri: str = "", experiment: str = "", images: Images = 5) -> Tracker:
    """Keeps a run for each cell in an experiment, named like the grid unless `experiment` says otherwise.

    `uri` is a tracking server or a database; without one, and without MLFLOW_TRACKING_URI, it is
    runs/GRID/mlflow/mlflow.db, which `mlflow ui --backend-store-uri sqlite:///runs/GRID/mlflow/mlflow.db` shows.
    """
    return Continued(run, MlflowRun(run, uri, experiment or run.grid), images)
