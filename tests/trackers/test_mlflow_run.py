"""Runs as MLflow's own client finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.records import Status
from tests.trackers.attempts import PARAMETERS, attempt, killed_then_done, made_entry

pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def client(uri: str):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


def local(root: Path) -> str:
    return f"sqlite:///{root}/runs/losses/mlflow/mlflow.db"


def test_a_training_that_goes_on_is_one_run_with_every_log_point_once(tmp_path: Path):
    killed_then_done(made_entry(tmp_path), "mlflow images=3")
    reader = client(local(tmp_path))
    (experiment,) = reader.search_experiments(filter_string="name = 'losses'")
    (run,) = reader.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("hinge seed=0 0123456789ab", "FINISHED")
    assert (run.data.tags["ablate.id"], run.data.tags["ablate.status"]) == ("0123456789ab", "done")

    history = reader.get_metric_history(run.info.run_id, "loss/generator")
    assert sorted((each.step, each.value) for each in history) == [(step, 1 / step) for step in (1, 4, 8, 12)]
    assert run.data.metrics["final/ema/psnr"] == 30.5
    assert "final/ema/ms_ssim" not in run.data.metrics
    assert run.data.params == {**{name: str(value) for name, value in PARAMETERS.items()}, "loss.penalties": "[]"}

    sheets = [each.path for each in reader.list_artifacts(run.info.run_id, "image above reconstruction")]
    assert [Path(each).name for each in sheets] == [f"step {step:08}.png" for step in (1, 4, 8, 12)]
    assert [each.path for each in reader.list_artifacts(run.info.run_id, "test")] == ["test/lena.png"]


def test_one_that_is_killed_while_it_is_measured_gets_its_figures_later_and_once(tmp_path: Path):
    entry = made_entry(tmp_path)
    attempt(entry, ("mlflow",), 0, [1, 12])
    for _ in range(2):
        attempt(entry, ("mlflow",), 12, [], Status.done, {"ema": {"psnr": 30.5}})
    reader = client(local(tmp_path))
    (run,) = reader.search_runs([reader.get_experiment_by_name("losses").experiment_id])
    figures = reader.get_metric_history(run.info.run_id, "final/ema/psnr")
    assert [(each.step, each.value) for each in figures] == [(12, 30.5)]
    assert [each.path for each in reader.list_artifacts(run.info.run_id, "test")] == ["test/lena.png"]


def test_settings_and_numbers_of_a_short_training_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from mlflow.tracking import MlflowClient

    written: list[dict] = []
    monkeypatch.setattr(MlflowClient, "log_batch", lambda _client, _run, **what: written.append(what))
    attempt(made_entry(tmp_path), ("mlflow images=0",), 0, [1, 4, 8, 12], Status.done, {"ema": {"psnr": 30.5}})
    (all_at_once,) = written
    assert {kind: len(each) for kind, each in all_at_once.items()} == {"metrics": 4 * 5 + 1, "params": 4, "tags": 1}


def test_another_server_and_experiment_are_options_and_later_told_rows_come_first(tmp_path: Path):
    entry = made_entry(tmp_path)
    attempt(entry, (), 0, [1, 4], Status.interrupted)
    uri = f"sqlite:///{tmp_path}/elsewhere.db"
    attempt(entry, (f"mlflow uri={uri} experiment=mine images=0",), 4, [8], Status.failed)
    (run,) = client(uri).search_runs([client(uri).get_experiment_by_name("mine").experiment_id])
    assert run.info.status == "FAILED"
    assert [each.step for each in client(uri).get_metric_history(run.info.run_id, "t")] == [1, 4, 8]
    assert not (tmp_path / "runs/losses/mlflow").exists()
