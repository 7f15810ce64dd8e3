import json
from pathlib import Path

import pytest
from PIL import Image

from ablate.store import Store


def cell(plan, number: int):
    return Store(Path("runs"), plan.name).cell(plan.points[number].id)


def test_a_run_prints_a_line_for_each_event_and_what_comes_next(ablate_in, pretended):
    pretended("well", "diverge")
    result = ablate_in("run", "grid.toml")
    assert result.exit_code == 0
    assert "start     well seed=0" in result.output
    assert "done      well seed=0  step 10" in result.output
    assert "diverged  diverge seed=1  step 5" in result.output
    assert "loss is nan" in result.output
    assert "1 done · 1 diverged\n" in result.output
    assert "next: ablate report grid.toml" in result.output
    assert "\033" not in result.output


def test_a_failed_cell_makes_the_exit_code_3_and_is_named_with_its_cause(ablate_in, pretended):
    plan = pretended("raise:no such colour", "well")
    result = ablate_in("run", "grid.toml")
    assert result.exit_code == 3
    expected = f"failed: raise seed=0: ValueError: no such colour  (ablate show grid.toml {plan.points[0].id[:6]})"
    assert expected in result.output
    assert ablate_in("run", "grid.toml").exit_code == 0


def test_why_a_cell_is_damaged_is_said_once(ablate_in, pretended, tmp_path: Path):
    plan = pretended("well", "well")
    path = tmp_path / "runs" / plan.name / "cells" / plan.points[0].id / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    said = ablate_in("run", "grid.toml")
    assert said.exit_code == 3
    assert said.output.count(f"{path.relative_to(tmp_path)} cannot be read") == 1
    assert f"broken: {plan.points[0].label}  (ablate show grid.toml" in said.output


def test_what_comes_next_names_a_store_of_its_own(ablate_in, pretended):
    plan = pretended("raise:no such colour", "well")
    result = ablate_in("run", "grid.toml", "-C", "my runs")
    assert "next: ablate report grid.toml -C 'my runs'\n" in result.output
    assert f"(ablate show grid.toml {plan.points[0].id[:6]} -C 'my runs')" in result.output
    status = ablate_in("status", "grid.toml", "-C", "my runs").output
    assert f"why a cell failed: ablate show pretended {plan.points[0].id[:6]} -C 'my runs'" in status


def test_a_directory_is_no_grid_file(ablate_in, tmp_path: Path):
    (tmp_path / "grids").mkdir()
    for command in ("run", "plan", "doctor", "status", "report", "show"):
        result = ablate_in(command, "grids")
        assert result.exit_code == 2
        assert "is a directory" in result.stderr


def test_a_failed_warmup_is_named_with_its_log(ablate_in, pretended):
    plan = pretended("well")
    plan.warmups["aaaabbbbcccc"].warmup["behaviour"] = "raise:no start"
    result = ablate_in("run", "grid.toml")
    assert result.exit_code == 3
    assert (
        "failed: warm-up: ValueError: no start  (runs/.shared/warmups/aaaabbbbcccc/attempts/001/log.txt)"
        in result.output
    )


def test_the_exit_code_is_75_where_others_hold_all_that_is_left_and_waiting_is_not_wanted(ablate_in, pretended):
    plan = pretended("well", warmup=False)
    with cell(plan, 0).claim():
        assert ablate_in("run", "grid.toml", "--no-wait").exit_code == 75


def test_only_selected_cells_run_and_no_more_than_the_limit(ablate_in, pretended):
    plan = pretended("well", "diverge", "well", "well", warmup=False)
    assert ablate_in("run", "grid.toml", "-k", "well and not seed=0", "--limit", 1).exit_code == 0
    assert [cell(plan, number).status() for number in range(4)] == ["pending", "pending", "done", "pending"]


def test_a_selection_that_matches_nothing_is_a_mistake(ablate_in, pretended, tmp_path: Path):
    pretended("well")
    result = ablate_in("run", "grid.toml", "-k", "wasserstein")
    assert result.exit_code == 2
    assert "matches no label, such as 'well seed=0'" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_says_what_would_run_and_changes_nothing(ablate_in, pretended, tmp_path: Path):
    pretended("well", "well")
    result = ablate_in("run", "grid.toml", "--dry-run", "-k", "seed=1")
    assert result.exit_code == 0
    assert "2 jobs would run" in result.output, "the cell and its warm-up"
    assert "well seed=0" not in result.output
    assert not (tmp_path / "runs").exists()


def test_the_number_of_workers_is_the_users(ablate_in, pretended):
    pretended("well")
    assert "3 workers of 2 threads on the CPU" in ablate_in("run", "grid.toml", "-j", 3, "--threads", 2).output


@pytest.mark.parametrize(
    "option",
    [("--workers", 0), ("--device", "tpu"), ("--limit", 0), ("--executor", "slurn"), ("--track", "cvs")],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(ablate_in, pretended, tmp_path: Path, option: tuple):
    pretended("well")
    assert ablate_in("run", "grid.toml", *option).exit_code == 2
    assert not (tmp_path / "runs").exists()


def test_a_grid_whose_images_cannot_be_read_leaves_no_grid_behind(ablate_in, tmp_path: Path):
    for split, colour in (("train", "teal"), ("test", "olive")):
        (tmp_path / split).mkdir()
        Image.new("RGB", (200, 200), colour).save(tmp_path / split / "good.png")
    torn = (tmp_path / "train" / "good.png").read_bytes()[:-20]
    (tmp_path / "train" / "torn.png").write_bytes(torn)
    (tmp_path / "grid.toml").write_text(
        'schema = 1\nname = "torn"\n[base]\npreset = "tiny"\n'
        '[base.data]\nsource = "folder"\ntrain = "train"\ntest = "test"\n'
    )
    result = ablate_in("run", "grid.toml")
    assert result.exit_code == 2
    assert "torn.png: it cannot be decoded" in result.stderr
    assert not (tmp_path / "runs" / "torn").exists()


def test_labels_with_control_characters_keep_lines_and_tables_whole(ablate_in, pretended):
    pretended("one\nline \x1b[2J", "raise:no \x07 bell")
    said = ablate_in("run", "grid.toml").output + ablate_in("status", "grid.toml", "--all").output
    assert r"start     one\nline \x1b[2J seed=0" in said
    assert r"no \x07 bell" in said
    assert not {"\x1b", "\x07"} & {*said}


def test_shards_divide_cells_between_stores_and_status_and_plan_look_at_one(ablate_in, pretended):
    plan = pretended(*["well"] * 6, warmup=False)
    done = {}
    for shard in ("1/2", "2/2"):
        result = ablate_in("run", "grid.toml", "--shard", shard, "-C", shard[0])
        assert result.exit_code == 0, result.output
        status = json.loads(ablate_in("status", "grid.toml", "-C", shard[0], "--json").output)
        done[shard] = {one["id"] for one in status["cells"] if one["status"] == "done"}
        assert f"shard {shard}: {len(done[shard])} of 6 cells" in result.output
        for command in ("status", "plan"):
            part = json.loads(ablate_in(command, "grid.toml", "-C", shard[0], "--shard", shard, "--json").output)
            assert {one["id"] for one in part["cells"]} == done[shard]
            assert part["total"] == part["done"] == len(done[shard])
        assert "0 jobs" in ablate_in("run", "grid.toml", "--shard", shard, "-C", shard[0], "--dry-run").output
    assert done["1/2"] | done["2/2"] == {point.id for point in plan.points}
    assert not done["1/2"] & done["2/2"]
    assert 0 < len(done["1/2"]) < 6
    assert ablate_in("run", "grid.toml", "--shard", "3/2").exit_code == 2


def test_a_shard_without_cells_is_no_mistake(ablate_in, pretended):
    pretended("well", warmup=False)
    results = [ablate_in("run", "grid.toml", "--shard", f"{number}/3", "-C", number) for number in (1, 2, 3)]
    assert [result.exit_code for result in results] == [0, 0, 0]
    empty = [result.output for result in results if "0 of 1 cell" in result.output]
    assert len(empty) == 2
    for said in empty:
        assert "nothing to do: no cell is chosen" in said
        assert "finished" not in said
