import json
import os
from pathlib import Path

import pytest

from ablate.records import MetricRow
from ablate.store import Store
from tests.cli.conftest import files_in

COUNTS = ("done", "running", "diverged", "failed", "pending")


def test_before_anything_ran_all_is_pending_and_nothing_is_written(ablate_in, pretended, tmp_path: Path):
    pretended("well", "well")
    before = files_in(tmp_path)
    result = ablate_in("status", "grid.toml", "--json")
    content = json.loads(result.output)
    assert {name: content[name] for name in COUNTS} == dict.fromkeys(COUNTS, 0) | {"pending": 2}
    assert files_in(tmp_path) == before


def test_programs_read_counts_at_the_top_and_every_cell(ablate_in, pretended):
    plan = pretended("well", "diverge", "raise:no", "well", warmup=False)
    ablate_in("run", "grid.toml", "--limit", 3)
    content = json.loads(ablate_in("status", "grid.toml", "--json").output)
    expected = {"total": 4, "done": 1, "diverged": 1, "failed": 1, "pending": 1, "running": 0}
    assert {name: content[name] for name in expected} == expected
    assert [(one["status"], one["step"], one["steps"]) for one in content["cells"]] == [
        ("done", 10, 10),
        ("diverged", 5, 10),
        ("failed", 5, 10),
        ("pending", 0, 10),
    ]
    assert [one["id"] for one in content["cells"]] == [point.id for point in plan.points]


def test_looking_at_a_store_changes_nothing_in_it(ablate_in, pretended, tmp_path: Path):
    pretended("well", "raise:no")
    ablate_in("run", "grid.toml")
    before = {path: os.stat(path).st_mtime_ns for path in tmp_path.rglob("*")}
    for arguments in (["status"], ["status", "grid.toml"], ["show", "grid.toml"], ["status", "--all"]):
        assert ablate_in(*arguments).exit_code == 0
    assert {path: os.stat(path).st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_cell_under_way_in_any_process_is_shown_with_its_step_and_loss(ablate_in, pretended):
    plan = pretended("well", warmup=False)
    entry = Store(Path("runs"), plan.name).cell(plan.points[0].id)
    with entry.claim():
        row = MetricRow(step=7, attempt=1, loss={"generator": 0.125}, steps_per_second=2.5)
        entry.append_metrics(row)
        (shown,) = json.loads(ablate_in("status", "grid.toml", "--json").output)["cells"]
        said = ablate_in("status", "grid.toml").output
    assert (shown["status"], shown["step"], shown["loss"]) == ("running", 7, 0.125)
    assert "running  7/10  0.125  well seed=0" in said


def test_without_a_grid_the_last_run_is_meant(ablate_in, pretended):
    assert ablate_in("status").exit_code == 2
    pretended("well", name="first")
    ablate_in("run", "grid.toml")
    pretended("well", "well", name="second")
    ablate_in("run", "grid.toml")
    assert "second: 2 cells" in ablate_in("status").output
    assert "first: 1 cell in" in ablate_in("status", "first").output


def test_a_name_that_nothing_ran_under_is_answered_with_those_that_did(ablate_in, pretended):
    pretended("well")
    ablate_in("run", "grid.toml")
    result = ablate_in("status", "pretend")
    assert result.exit_code == 2
    assert "(there is: pretended)" in result.stderr


def test_only_what_needs_attention_is_listed_unless_all_is_wanted(ablate_in, pretended):
    pretended("well", "raise:no", warmup=False)
    ablate_in("run", "grid.toml")
    said = ablate_in("status").output
    assert "raise seed=1" in said
    assert "well seed=0" not in said
    assert "why a cell failed: ablate show pretended" in said
    assert "well seed=0" in ablate_in("status", "--all").output


@pytest.mark.parametrize("content", [None, "", "{}", '{"schema": 9}'])
def test_a_grid_whose_plan_is_gone_or_damaged_is_shown_by_the_cells_that_were_begun(
    ablate_in, pretended, tmp_path: Path, content: str | None
):
    plan = pretended("well", "diverge", "well")
    ablate_in("run", "grid.toml", "--limit", 2)
    path = tmp_path / "runs" / plan.name / "plan.json"
    expected = json.loads(ablate_in("status", plan.name, "--json").stdout)["cells"][:2]
    path.unlink() if content is None else path.write_text(content)
    for arguments in (("status", plan.name, "--json"), ("status", "--json")):
        found = ablate_in(*arguments)
        assert found.exit_code == 0
        told = json.loads(found.stdout)
        assert sorted(told["cells"], key=str) == sorted(expected, key=str)
        assert [warmup["status"] for warmup in told["warmups"]] == ["done"]
        assert "plan.json" in found.stderr
        assert "shown is what was begun, 2 cells; `ablate run` on the grid file writes it anew" in found.stderr
    assert "done at step 10 of 10" in ablate_in("show", plan.name, plan.points[0].id).stdout
    assert ablate_in("run", "grid.toml").exit_code == 0
    assert ablate_in("status", plan.name).stderr == ""


def test_a_grid_without_plan_and_cells_is_not_there(ablate_in, pretended, tmp_path: Path):
    plan = pretended("well")
    (tmp_path / "runs" / plan.name).mkdir(parents=True)
    (tmp_path / "runs" / plan.name / "plan.json").write_text("{}")
    found = ablate_in("status", plan.name)
    assert found.exit_code == 2
    assert "and no cell was begun; `ablate run` on the grid file writes it anew" in found.stderr
