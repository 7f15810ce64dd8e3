"""A grid with code of its own through the command line: trained, killed, changed, missing."""

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.bench import session
from ablate.execute import runner as ablate_runner
from ablate.execute import work as ablate_work
from tests.bench.invented import CEILINGS
from tests.plugins.conftest import GRID, LOSS, ROOT, Ablate, in_another_process

QUIETLY = ("--no-progress", "--no-references")
METRIC = """
from ablate.plugins import metric


@metric(label="Worst", unit="levels", direction="lower", decimals=1)
def worst(image, reconstruction):
    return (image.double() - reconstruction).abs().amax((1, 2, 3))
"""


def cells(folder: Path) -> dict[str, dict]:
    return {path.parent.name: json.loads(path.read_text()) for path in folder.glob("runs/own/cells/*/cell.json")}


def own_cells(folder: Path) -> list[Path]:
    found = cells(folder).items()
    return [
        folder / "runs" / "own" / "cells" / name
        for name, cell in found
        if cell["cell"]["loss"]["adversarial"]["name"] == "softplus_margin"
    ]


def run(ablate: Ablate, **given: int) -> str:
    return ablate("run", "grid.toml", *QUIETLY, **given)


def test_a_loss_of_fifteen_lines_is_trained_killed_and_resumed_reported_gated_and_benched(
    folder: Path, ablate: Ablate, monkeypatch: pytest.MonkeyPatch
):
    """Must-show of issue 14: from the file alone, through the command line."""
    assert LOSS.count("\n") <= 16
    long = GRID.replace("steps = 4", "steps = 60, checkpoint_every = 5, log_every = 5")
    (folder / "grid.toml").write_text(long)

    # Killed with a checkpoint of the own loss on disk, and resumed from it.
    with in_another_process(folder, "run", "grid.toml", *QUIETLY, "-k", "softplus*") as running:
        deadline = time.monotonic() + 100
        while not list(folder.glob("runs/own/cells/*/checkpoint.pt")):
            assert running.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    (entry,) = own_cells(folder)
    assert not (entry / "result.json").exists()
    assert "2 done" in run(ablate)
    resumed = [json.loads(line) for line in (entry / "metrics.jsonl").read_text().splitlines()]
    assert min(row["step"] for row in resumed if row["attempt"] == 2) > 5
    result = json.loads((entry / "result.json").read_text())
    (defined_by,) = result["environment"]["plugins"].values()
    assert cells(folder)[entry.name]["cell"]["loss"]["adversarial"]["defined_by"] == defined_by

    # Benched: eager is held to float64.
    monkeypatch.setattr(session, "measure_ceilings", lambda *_, **__: CEILINGS)
    small = ("--kernel", "softplus_margin_g", "--shape", "1x3x64x64", "--backend", "eager", "--budget", "20s")
    ablate("bench", "--plugin", "my_loss.py", *small, "--json", "bench.json")
    rows = json.loads((folder / "bench.json").read_text())["rows"]
    assert {row["kernel"] for row in rows} == {"softplus_margin_g"}
    assert "failed" not in {row["status"] for row in rows}

    # Reported, gated and shown; the store has the source.
    ablate("report", "grid.toml")
    report = (folder / "reports" / "own" / "report.md").read_text()
    assert "softplus_margin" in report
    assert f"({defined_by[:12]}) defines" in report
    ablate("baseline", "update", "grid.toml", "--baseline", "b.json", "--reason", "first")
    ablate("check", "grid.toml", "--baseline", "b.json")
    assert f"my_loss.py ({defined_by[:12]})" in ablate("show", "own", entry.name[:6])
    assert (folder / "runs" / "own" / "plugins" / defined_by[:12] / "my_loss.py").read_text() == LOSS

    # Its change is a new cell, and no other; the old one stays.
    before = cells(folder)
    (folder / "my_loss.py").write_text(LOSS.replace("margin - fake", "2 * margin - fake"))
    assert "1 of them finished already" in ablate("plan", "grid.toml")
    run(ablate)
    new = cells(folder).keys() - before.keys()
    assert len(new) == 1
    assert before.keys() < cells(folder).keys()
    assert len(own_cells(folder)) == 2


def test_results_are_read_without_the_file_and_nothing_is_trained(folder: Path, ablate: Ablate):
    (folder / "my_loss.py").write_text(LOSS + METRIC)
    (folder / "grid.toml").write_text(GRID + '[compare]\nprimary = ["worst"]\n')
    run(ablate)
    (entry,) = own_cells(folder)
    assert json.loads((entry / "result.json").read_text())["metrics"]["ema"]["worst"] > 0
    ablate("report", "own")
    assert "Worst" in (folder / "reports" / "own" / "report.md").read_text()

    shutil.move(folder / "my_loss.py", folder / "elsewhere.py")
    for arguments in (("report", "own"), ("report", "grid.toml"), ("status", "grid.toml"), ("show", "own", entry.name)):
        assert "my_loss.py is missing; results stand as recorded" in ablate(*arguments)
    assert "Worst" in (folder / "reports" / "own" / "report.md").read_text()
    refused = ablate("run", "grid.toml", code=2)
    assert "grid.toml:5: plugins.files" in refused
    assert "my_loss.py is missing" in refused


def test_a_run_goes_on_with_the_code_that_it_was_planned_with(
    folder: Path, ablate: Ablate, monkeypatch: pytest.MonkeyPatch
):
    """Who edits a file while a run trains changes the next run and not this one."""
    prepare = ablate_work.prepare

    def edited_meanwhile(*given: object) -> None:
        prepare(*given)
        (folder / "my_loss.py").write_text("raise ValueError")

    work = replace(ablate_work.TRAINING, prepare=edited_meanwhile)
    monkeypatch.setitem(ablate_runner.run.__kwdefaults__, "work", work)
    run(ablate)
    assert (folder / "my_loss.py").read_text() == "raise ValueError"
    assert len(list(folder.glob("runs/own/cells/*/result.json"))) == 2
    assert "my_loss.py, line 1: ValueError" in ablate("run", "grid.toml", code=2)


def test_what_it_raises_in_training_is_recorded_with_file_and_line(folder: Path, ablate: Ablate):
    text = LOSS.replace("return softplus(margin - fake).mean()", "return undefined(fake)")
    (folder / "my_loss.py").write_text(text)
    line = 1 + text.splitlines().index("        return undefined(fake)")
    where = f"({folder / 'my_loss.py'}, line {line})"
    assert where in ablate("run", "grid.toml", *QUIETLY, code=3)
    (entry,) = own_cells(folder)
    assert where in json.loads((entry / "attempts" / "001" / "exit.json").read_text())["error"]


def test_mistakes_of_a_grid_about_plugins_are_told_with_their_lines(folder: Path, ablate: Ablate):
    def said(plugins: str) -> str:
        (folder / "grid.toml").write_text(GRID.replace('files = ["my_loss.py"]', plugins))
        return ablate("plan", "grid.toml", code=2)

    assert "grid.toml:5: plugins.files" in said('files = ["my_loss.py", "./my_loss.py"]')
    assert "listed twice" in said('files = ["my_loss.py", "./my_loss.py"]')
    assert "did you mean 'files'" in said('file = ["my_loss.py"]')
    assert "there is no module lab.losses" in said('modules = ["lab.losses"]')


def test_a_module_and_an_installed_package_bring_theirs(folder: Path, ablate: Ablate, monkeypatch: pytest.MonkeyPatch):
    (folder / "lab").mkdir()
    shutil.move(folder / "my_loss.py", folder / "lab" / "losses.py")
    (folder / "lab" / "__init__.py").touch()
    (folder / "grid.toml").write_text(GRID.replace("files", "modules").replace("my_loss.py", "lab.losses"))
    path = os.pathsep.join([str(folder), str(ROOT)])
    with in_another_process(folder, "run", "grid.toml", *QUIETLY, "-k", "softplus*", path=path) as running:
        assert running.wait() == 0
    (entry,) = own_cells(folder)
    assert len(cells(folder)[entry.name]["cell"]["loss"]["adversarial"]["defined_by"]) == 64

    # The same as a distribution that names it as an entry point.
    (folder / "lab-1.2.dist-info").mkdir()
    (folder / "lab-1.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.2\n")
    (folder / "lab-1.2.dist-info" / "RECORD").write_text("lab/__init__.py,,\nlab/losses.py,,\n")
    (folder / "lab-1.2.dist-info" / "entry_points.txt").write_text("[ablate.plugins]\nlosses = lab.losses\n")
    (folder / "grid.toml").write_text(GRID.replace('[plugins]\nfiles = ["my_loss.py"]\n', ""))
    monkeypatch.syspath_prepend(folder)
    assert "softplus_margin" in ablate("losses")
    planned = json.loads(ablate("plan", "grid.toml", "--json"))["cells"]
    assert entry.name not in [cell["id"] for cell in planned], "it is version 1.2 now, and not a hash"
    with in_another_process(folder, "run", "grid.toml", *QUIETLY, "-k", "softplus*", path=path) as running:
        assert running.wait() == 0
    defined = {cell["cell"]["loss"]["adversarial"].get("defined_by") for cell in cells(folder).values()}
    assert "lab 1.2" in defined


def test_names_of_executors_and_trackers_are_looked_up_before_anything_runs(folder: Path, ablate: Ablate):
    (folder / "grid.toml").write_text(GRID + '[execution]\nexecutor = "locale"\ntrackers = [\n  "cvs",\n]\n')
    for command in ("plan", "status", "run"):
        said = ablate(command, "grid.toml", code=2)
        assert 'grid.toml:13: execution.executor = "locale"' in said
        assert "did you mean 'local'" in said
        assert "grid.toml:15: execution.trackers[0]" in said
        assert "did you mean 'csv'" in said


def test_init_writes_a_plugin_that_losses_shows(folder: Path, ablate: Ablate):
    ablate("init", "--plugin", "--force", "my_loss.py")
    assert "Softplus with a margin" in ablate("losses", "softplus_margin", "--plugin", "my_loss.py")
    assert "margin = 1.0" in ablate("losses", "softplus_margin", "--plugin", "grid.toml")
    ablate("init", "--plugin", "--plugin-kind", "metric", "my_metric.py")
    assert "did you mean 'metric'" in ablate("init", "--plugin", "--plugin-kind", "metrc", "x.py", code=2)
    assert "not my_loss.toml" in ablate("init", "--plugin", "my_loss.toml", code=2)


EXECUTOR = """
from ablate.plugins import executor


@executor()
def queued(context):
    raise RuntimeError("no such queue")
"""


def test_what_an_executor_of_its_own_raises_is_told_with_file_and_line(folder: Path, ablate: Ablate):
    (folder / "queued.py").write_text(EXECUTOR)
    grid = GRID.replace('["my_loss.py"]', '["my_loss.py", "queued.py"]') + '[execution]\nexecutor = "queued"\n'
    (folder / "grid.toml").write_text(grid)
    said = run(ablate, code=2)
    assert f"error: {folder / 'queued.py'}, line 7: RuntimeError: no such queue" in said


def test_doctor_names_what_only_a_run_can_try(folder: Path, ablate: Ablate):
    (folder / "queued.py").write_text(EXECUTOR)
    said = ablate("doctor", "--plugin", "queued.py")
    assert "queued" in said
    assert "executor: only a run can try one" in said


def test_a_loss_whose_options_must_be_given_is_told_without_curves(folder: Path, ablate: Ablate):
    text = LOSS.replace("def softplus_margin(*, margin: float = 1.0)", "def asking(*, margin: float)")
    (folder / "my_loss.py").write_text(text)
    plugin = ("--plugin", "my_loss.py")
    assert "option      margin, which has no default" in ablate("losses", "asking", *plugin)
    (card,) = json.loads(ablate("losses", "asking", "--json", *plugin))
    assert (card["required"], card["options"], "curves" in card) == (["margin"], {}, False)
    assert "asking" in ablate("losses", "--json", *plugin)
    assert "options that must be given" in ablate("losses", "asking", "--figure", "a.svg", *plugin, code=2)
    assert "margin: without a default" in ablate("doctor", *plugin)
