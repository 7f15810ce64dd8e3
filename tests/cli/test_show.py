import json
from pathlib import Path

import pytest

from ablate.cli.locate import Place, find_cell
from ablate.store import Store
from tests.execute.pretend import make_plan
from tests.made import made_result

RESULT = {
    "status": "done",
    "step": 10,
    "seconds": 75.0,
    "train_seconds": 70.0,
    "metrics": {
        "ema": {"psnr": 24.567, "ms_ssim": None, "bpp_actual": 0.11, "fd_lite0_112": 3.5},
        "raw": {"psnr": 23.0, "ms_ssim": None, "bpp_actual": 0.12, "fd_lite0_112": 4.0},
    },
}


@pytest.fixture
def plan(pretended):
    """One cell done, one failed, one pending."""
    plan = pretended("well", "raise:no such colour", "well", warmup=False)
    store = Store(Path("runs"), plan.name)
    entry = store.cell(plan.points[0].id)
    entry.commit(made_result(entry, **RESULT))
    return plan


def test_the_table_holds_the_metrics_of_finished_cells(ablate_in, plan):
    said = ablate_in("show", "grid.toml").output
    (row,) = [line for line in said.splitlines() if plan.points[0].id in line]
    assert row.split() == [
        plan.points[0].id,
        "done",
        "24.57",
        "–",
        "0.1100",
        "3.5",
        "1",
        "min",
        "15",
        "s",
        "well",
        "seed=0",
    ]
    assert plan.points[2].id not in said


def test_a_grid_without_results_says_so(ablate_in, pretended):
    pretended("well")
    assert ablate_in("show", "grid.toml").output == "no cell is finished yet\n"


def test_a_failed_cell_is_shown_with_cause_log_attempts_and_settings(ablate_in, plan):
    ablate_in("run", "grid.toml")
    said = ablate_in("show", "grid.toml", "raise seed=1").output
    assert "failed at step 5 of 10" in said
    assert "ValueError: no such colour" in said
    assert "at 0 of 10, raise:no such colour" in said, "the log"
    assert "Traceback" in said
    assert "attempts" in said
    assert "train.steps = 10" in said


def test_a_finished_cell_is_shown_with_both_weights(ablate_in, plan):
    said = ablate_in("show", "grid.toml", plan.points[0].id[:7]).output
    assert ["psnr", "24.567", "23"] in [line.split() for line in said.splitlines()]


def test_the_primary_metrics_of_the_grid_come_first(ablate_in, pretended):
    pretended_plan = pretended("well", compare={"primary": ["fd_lite0_112", "psnr@kodak"]})
    assert ablate_in("run", "grid.toml").exit_code == 0
    header, row = ablate_in("show", "grid.toml").output.splitlines()[:2]
    names = ["fd_lite0_112", "psnr@kodak", "psnr", "ms_ssim", "bpp_actual"]
    assert header.split() == ["cell", "status", *names, "time", "label"]
    assert row.split()[:2] == [pretended_plan.points[0].id, "done"]
    assert row.split()[3] == "–", "it was not measured on that set"


def test_programs_read_one_cell_or_all(ablate_in, plan):
    ablate_in("run", "grid.toml", "-k", "raise")
    cells = json.loads(ablate_in("show", "grid.toml", "--json").output)["cells"]
    assert [one["result"] and one["result"]["metrics"]["ema"]["psnr"] for one in cells] == [24.567, None, None]
    one = json.loads(ablate_in("show", "grid.toml", "raise seed=1", "--json").output)
    assert one["attempts"][0]["exit"]["error"] == "ValueError: no such colour"
    assert one["settings"]["train"]["steps"] == 10


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1}', '{"schema": 2}', "another"])
def test_a_cell_whose_result_cannot_be_read_is_broken_and_the_others_are_shown(ablate_in, plan, content: str):
    store = Store(Path("runs"), plan.name)
    good, bad = (store.cell(point.id).path / "result.json" for point in plan.points[::2])
    bad.parent.mkdir(parents=True)
    bad.write_text(good.read_text() if content == "another" else content)
    shown = ablate_in("show", "grid.toml")
    assert (shown.exit_code, "24.57" in shown.output) == (3, True)
    for arguments in (("show", "grid.toml"), ("show", "grid.toml", plan.points[2].id), ("status", "grid.toml")):
        said = ablate_in(*arguments)
        assert said.exit_code == 3
        assert f"{bad} " in said.output
        assert "copy the file back, or delete the entry's directory and run the grid again" in said.output
    content = json.loads(ablate_in("status", "grid.toml", "--json").output)
    damaged = content.get("broken", 0) + content.get("altered", 0)
    assert (content["done"], damaged, content["pending"]) == (1, 1, 1)
    assert str(bad) in content["cells"][2]["cause"]


def test_a_cell_is_found_by_label_and_by_the_beginning_of_its_id_if_that_is_enough():
    plan = make_plan(*["well"] * 40)
    store = Store(Path("runs"), plan.name)
    for point in plan.points:
        assert find_cell(plan, store, point.label) == Place(store, point.id, point.label)
        assert find_cell(plan, store, point.id[:10]).id == point.id
    initials = [point.id[0] for point in plan.points]
    shared = next(letter for letter in initials if initials.count(letter) > 1)
    with pytest.raises(ValueError, match=f"'{shared}' means {initials.count(shared)} cells"):
        find_cell(plan, store, shared)
    with pytest.raises(ValueError, match="has the label or id 'hinge'; there is"):
        find_cell(plan, store, "hinge")
