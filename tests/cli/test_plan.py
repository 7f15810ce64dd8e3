import json
from pathlib import Path

import pytest

from ablate.grid import read_grid
from ablate.store import Store
from tests.cli.conftest import files_in
from tests.made import made_result


def test_a_plan_shows_cells_time_and_what_the_seeds_can_show(ablate_in, pretended, tmp_path: Path):
    plan = pretended("well", "diverge", "well")
    before = files_in(tmp_path)
    said = ablate_in("plan", "grid.toml", "-j", 2).output
    assert all(f"{point.id}  pending" in said for point in plan.points)
    assert "3 cells, 0 of them finished already" in said
    assert "1 warm-up first" in said
    assert "with 2 workers of 1 thread on the CPU (a guess" in said
    assert "6 seeds reach p = 0.031; you have 3 (p = 0.25 at best)" in said
    assert files_in(tmp_path) == before


def test_enough_seeds_are_said_to_be_enough(ablate_in, pretended):
    pretended(*["well"] * 6)
    assert "6 seeds reach p = 0.031 at best, enough for alpha = 0.05" in ablate_in("plan", "grid.toml").output


def test_more_claims_need_more_seeds(ablate_in, pretended):
    holm = {"correction": "holm"}
    pretended(*["well", "diverge", "raise"] * 2, compare=holm)
    said = "7 seeds reach p = 0.016; you have 6 (p = 0.031 at best)"
    assert said in (output := ablate_in("plan", "grid.toml").output)
    assert "alpha = 0.05 in 2 comparisons" in output
    pretended(*["well", "diverge", "raise"] * 2, compare=holm | {"axes": ["another"]})
    assert "6 seeds reach p = 0.031 at best, enough" in ablate_in("plan", "grid.toml").output


def test_one_correction_over_all_metrics_counts_the_claims_on_each(ablate_in, pretended):
    pretended(*["well", "diverge", "raise"] * 2, compare={"correction": "holm-all", "primary": ["psnr", "ms_ssim"]})
    assert "alpha = 0.05 in 4 comparisons" in ablate_in("plan", "grid.toml").output


def test_what_is_done_takes_no_more_time_and_says_how_long_the_rest_takes(ablate_in, pretended):
    plan = pretended("well", "well", warmup=False)
    store = Store(Path("runs"), plan.name)
    first, second = (store.cell(point.id) for point in plan.points)
    done = {"step": 10, "seconds": 60.0, "train_seconds": 50.0, "eval_seconds": 10.0}
    first.commit(made_result(first, **done))
    content = json.loads(ablate_in("plan", "grid.toml", "--json").output)
    assert (content["total"], content["done"], content["pending"]) == (2, 1, 1)
    assert [cell["estimated_seconds"] for cell in content["cells"]] == [0.0, pytest.approx(60.0)]
    assert content["estimate"]["seconds"] == pytest.approx(60.0)
    assert content["estimate"]["measured"]
    assert "about 1 min with" in ablate_in("plan", "grid.toml").output
    second.commit(made_result(second, **done))
    said = ablate_in("plan", "grid.toml").output
    assert "2 cells, 2 of them finished already" in said
    assert "about" not in said


def test_the_resolved_base_is_itself_a_grid_with_the_same_base(ablate_in, tmp_path: Path):
    ablate_in("init", "grid.toml")
    printed = ablate_in("plan", "grid.toml", "--resolved").output
    (tmp_path / "again.toml").write_text(f'schema = 1\nname = "again"\n{printed}')
    assert read_grid(tmp_path / "again.toml").base == read_grid(tmp_path / "grid.toml").base
    as_json = json.loads(ablate_in("plan", "grid.toml", "--resolved", "--json").output)
    assert as_json == json.loads(json.dumps(read_grid(tmp_path / "grid.toml").base))


def test_every_mistake_of_a_grid_file_is_told_at_once_and_nothing_is_written(ablate_in, tmp_path: Path):
    text = 'schema = 1\nname = "wrong"\n[base]\npreset = "tiny"\nloss.adversarial = "hinje"\nloss.lambda = 3\n'
    (tmp_path / "wrong.toml").write_text(text)
    for command in ("plan", "run", "status"):
        result = ablate_in(command, "wrong.toml")
        assert result.exit_code == 2
        assert "wrong.toml:5:" in result.stderr
        assert "did you mean 'hinge'?" in result.stderr
        assert "wrong.toml:6:" in result.stderr
    assert files_in(tmp_path) == ["wrong.toml"]
