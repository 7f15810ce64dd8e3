from pathlib import Path

from ablate.grid import read_grid


def test_the_starter_is_a_grid_without_mistakes(ablate_in, tmp_path: Path):
    result = ablate_in("init")
    assert result.exit_code == 0
    assert "next: ablate plan grid.toml" in result.output
    grid = read_grid(tmp_path / "grid.toml")
    assert len(grid.points()) == 12
    assert grid.compare.baseline == {"loss.adversarial": "vanilla", "discriminator.scales": 1}


def test_a_file_that_is_there_is_kept_unless_forced(ablate_in, tmp_path: Path):
    (tmp_path / "mine.toml").write_text("mine")
    result = ablate_in("init", "mine.toml")
    assert result.exit_code == 2
    assert "--force replaces it" in result.stderr
    assert (tmp_path / "mine.toml").read_text() == "mine"
    assert ablate_in("init", "mine.toml", "--force").exit_code == 0
    assert "schema = 1" in (tmp_path / "mine.toml").read_text()


def test_what_comes_next_can_be_pasted_into_a_shell(ablate_in, tmp_path: Path):
    assert "next: ablate plan 'my grid.toml'\n" in ablate_in("init", "my grid.toml").output


def test_a_directory_is_no_file_to_replace(ablate_in, tmp_path: Path):
    (tmp_path / "grids").mkdir()
    for forced in ([], ["--force"]):
        result = ablate_in("init", "grids", *forced)
        assert result.exit_code == 2
        assert "grids is a directory; a file in it would be grids/grid.toml" in result.stderr


def test_a_directory_that_is_not_there_is_said(ablate_in):
    result = ablate_in("init", "none/grid.toml")
    assert result.exit_code == 2
    assert "none is not a directory" in result.stderr
