from dataclasses import dataclass
from pathlib import Path

import pytest

import ablate.report


@dataclass(frozen=True)
class Written:
    html: Path
    markdown: Path


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list:
    written = []

    def write(store, out: Path) -> Written:
        written.append((store.grid, out))
        return Written(out / "report.html", out / "report.md")

    monkeypatch.setattr(ablate.report, "write_report", write)
    return written


def test_the_paths_of_the_report_are_printed(ablate_in, pretended, reports: list):
    pretended("well")
    ablate_in("run", "grid.toml")
    result = ablate_in("report", "grid.toml", "--reports-dir", "told")
    assert result.output == "told/pretended/report.html\ntold/pretended/report.md\n"
    assert reports == [("pretended", Path("told/pretended"))]


def test_without_a_grid_the_last_run_is_reported_and_several_are_reported_in_turn(ablate_in, pretended, reports: list):
    for name in ("one", "two"):
        pretended("well", name=name)
        ablate_in("run", "grid.toml")
    ablate_in("report")
    ablate_in("report", "two", "one")
    assert [name for name, _ in reports] == ["two", "two", "one"]
    assert reports[0][1] == Path("reports/two")


def test_a_grid_that_was_not_run_has_no_report(ablate_in, pretended, reports: list):
    pretended("well")
    result = ablate_in("report", "grid.toml")
    assert result.exit_code == 2
    assert "`ablate run grid.toml` runs it" in result.stderr
    assert reports == []


def test_a_grid_file_that_changed_since_it_was_run_is_warned_about(ablate_in, pretended, reports: list):
    pretended("well")
    ablate_in("run", "grid.toml")
    pretended("well", "well")
    result = ablate_in("report", "grid.toml")
    assert result.exit_code == 0
    assert "warning: grid.toml changed since it was run" in result.stderr
    assert len(reports) == 1
