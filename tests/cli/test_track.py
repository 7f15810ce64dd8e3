"""`ablate track`: trackers are told of cells that are over."""

from dataclasses import replace
from pathlib import Path

import pytest

import ablate.execute
from ablate.records import Execution
from ablate.store import Store
from ablate.trackers.catalogue import trackers
from ablate.trackers.csv_file import CsvFile
from ablate.trackers.tracker import TrackedRun


def test_every_finished_cell_is_told_and_pending_ones_are_left_out(ablate_in, pretended):
    plan = pretended("well", "diverge", "raise:no", "well", warmup=False)
    ablate_in("run", "grid.toml", "--limit", 3)
    result = ablate_in("track", "grid.toml", "--to", "csv")
    assert (result.exit_code, result.output) == (0, "csv: 2 cells of 4\n")
    entries = [Store(Path("runs"), plan.name).cell(point.id) for point in plan.points]
    assert [(entry.path / "metrics.csv").exists() for entry in entries] == [True, True, False, False]
    table = (entries[0].path / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table[1:]] == [str(row.step) for row in entries[0].metrics()]


def test_cells_are_chosen_by_their_labels(ablate_in, pretended):
    pretended("well", "diverge", warmup=False)
    ablate_in("run", "grid.toml")
    assert "csv: 1 cell of 2" in ablate_in("track", "grid.toml", "--to", "csv", "-k", "diverge").output


@pytest.mark.parametrize(("arguments", "said"), [((), "--to names a tracker"), (("--to", "cvs"), "did you mean 'csv'")])
def test_a_tracker_must_be_named(ablate_in, pretended, arguments: tuple[str, ...], said: str):
    pretended("well", warmup=False)
    ablate_in("run", "grid.toml")
    result = ablate_in("track", "grid.toml", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_one_that_fails_is_said_and_the_other_cells_are_told(ablate_in, pretended, monkeypatch):
    pretended("well", "well", warmup=False)
    ablate_in("run", "grid.toml")
    add, calls = CsvFile.add_missing, []

    def breaking(self, rows) -> None:
        calls.append(rows)
        if len(calls) == 1:
            raise ConnectionError("the server is gone")
        add(self, rows)

    monkeypatch.setattr(CsvFile, "add_missing", breaking)
    result = ablate_in("track", "grid.toml", "--to", "csv")
    assert result.exit_code == 3
    assert "csv could not take well seed=0: ConnectionError: the server is gone" in result.output
    assert "csv: 1 cell of 2" in result.output


def test_where_one_tracker_fails_the_next_is_told(ablate_in, pretended, monkeypatch):
    pretended("well", "well", warmup=False)
    ablate_in("run", "grid.toml")
    list(trackers)  # those that ship
    monkeypatch.setattr(trackers, "_entries", dict(trackers._entries))

    @trackers.register()
    def absent(run: TrackedRun) -> None:
        raise ConnectionError("the server is gone")

    result = ablate_in("track", "grid.toml", "--to", "absent", "--to", "csv")
    assert result.exit_code == 3
    assert result.output.splitlines()[-2:] == ["absent: 0 cells of 2", "csv: 2 cells of 2"]


def test_a_run_tells_the_trackers_of_its_grid_and_those_that_are_asked_for_beside(ablate_in, pretended, monkeypatch):
    plan, asked = pretended("well", warmup=False), []
    given = Execution(device="cpu", trackers=("csv", {"name": "tensorboard", "options": {"images": 1}}))
    record = plan.record.model_copy(update={"execution": given})
    monkeypatch.setattr(ablate.execute, "load_plan", lambda *_, **__: replace(plan, record=record))
    monkeypatch.setattr(ablate.execute, "run", lambda *_, execution, **__: asked.append(execution.trackers) or 3)
    for options in ((), ("--track", "mlflow", "--track", "tensorboard images=2")):
        ablate_in("run", "grid.toml", *options)
    told = [[(term.name, term.options.get("images")) for term in terms] for terms in asked]
    assert told == [[("csv", None), ("tensorboard", 1)], [("csv", None), ("tensorboard", 2), ("mlflow", 5)]]


def test_a_run_refuses_a_tracker_whose_package_is_missing_before_it_writes(ablate_in, pretended, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    pretended("well", warmup=False)
    result = ablate_in("run", "grid.toml", "--track", "wandb mode=online")
    assert result.exit_code == 2
    assert "pip install '.[wandb]'" in result.output
    assert not (tmp_path / "runs").exists()
