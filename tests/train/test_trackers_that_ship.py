"""A real training, stopped and gone on with, as TensorBoard's own reader and MLflow's client find it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.config import Cell
from ablate.execute.cell import run_cell
from ablate.records import CellSettings, Environment
from ablate.store import Entry, Store
from ablate.terms import Term
from ablate.trackers.retold import retell
from ablate.trackers.tracker import numbers

pytest.importorskip("tensorboard")
pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.filterwarnings("ignore")
TRACKERS = tuple(Term(name=name) for name in ("csv", "tensorboard", "mlflow"))


def train(cell: Cell, entry: Entry, store: Store, stop: Callable[[], bool] = lambda: False) -> str:
    torch.set_num_threads(1)
    common: dict[str, Any] = {"data_cache": store.data_cache, "device": "cpu", "stop": stop, "trackers": TRACKERS}
    return run_cell(cell, entry, warmup=None, attempt=entry.last_attempt().number, **common).status


def events(store: Store, cell_id: str):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (directory,) = (store.path / "tensorboard").glob(f"*{cell_id}")
    return EventAccumulator(str(directory), {"scalars": 0, "images": 0, "tensors": 0}).Reload()


def mlflow_run(store: Store):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{store.path}/mlflow/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("test").experiment_id])
    return client, run


def test_what_was_logged_is_read_back_and_nothing_is_told_again_afterwards(
    make_cell, claimed, store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    cell = make_cell()
    entry, steps = claimed(cell), iter(range(1, 99))
    entry.write_settings(CellSettings(id=cell.id, label="a cell", cell=cell.model_dump(mode="json")))
    assert train(cell, entry, store, stop=lambda: next(steps) >= 7) == "interrupted"
    entry.begin_attempt(Environment())
    assert train(cell, entry, store) == "done"
    check(entry, store)
    sealed = entry.result().artefacts
    for term in TRACKERS:
        retell(entry, term)
    check(entry, store)
    assert entry.result().artefacts == sealed


def check(entry: Entry, store: Store) -> None:
    rows = [{name: value for name, value in numbers(row).items() if value is not None} for row in entry.metrics()]
    names = set(rows[0]) - {"step"}
    assert {"loss/generator", "loss/discriminator", "gradient_norm/encoder", "scales/1/accuracy_fake"} <= names
    figures = {f"final/{weights}/{name}": value for weights, found in entry.result().metrics.items()
               for name, value in found.items() if value is not None}  # fmt: skip
    found = events(store, entry.id)
    client, run = mlflow_run(store)
    for name in names:
        logged = [(row["step"], pytest.approx(row[name])) for row in rows]
        assert [(each.step, each.value) for each in found.Scalars(name)] == logged
        history = client.get_metric_history(run.info.run_id, name)
        assert sorted((each.step, each.value) for each in history) == logged
    for name, value in figures.items():
        assert [each.value for each in found.Scalars(name)] == [pytest.approx(value)]
        assert run.data.metrics[name] == pytest.approx(value)
    assert len(figures) > 8
    assert run.data.params["discriminator.scales"] == "2"
    assert [each.step for each in found.Images("batch/image above reconstruction")] == [1, 4, 8, 12]
    recons = {path.stem: path for path in entry.recons("ema")}
    assert found.Images("test/test3.png")[0].encoded_image_string == recons["test3.png"].read_bytes()
    assert [each.path for each in client.list_artifacts(run.info.run_id, "test")] == ["test/test3.png.png"]


def test_a_store_is_told_afterwards_what_it_would_have_been_told(make_cell, claimed, store: Store, tmp_path: Path):
    cell = make_cell(train={"steps": 4})
    entry = claimed(cell)
    entry.write_settings(CellSettings(id=cell.id, label="a cell", cell=cell.model_dump(mode="json")))
    common: dict[str, Any] = {"data_cache": store.data_cache, "device": "cpu", "stop": lambda: False}
    run_cell(cell, entry, warmup=None, attempt=1, **common)
    for _ in range(2):
        retell(entry, Term(name="tensorboard", options={"directory": str(tmp_path / "events")}))
    (tmp_path / "events").rename(store.path / "tensorboard")
    found = events(store, cell.id)
    assert [each.step for each in found.Scalars("loss/generator")] == [row.step for row in entry.metrics()]
    assert len(found.Scalars("final/ema/psnr")) == len(found.Images("test/test3.png")) == 1
