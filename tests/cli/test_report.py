from dataclasses import dataclass
from pathlib import Path

import pytest

import ablate.report
from ablate.report import Report


@dataclass
class Asked:
    """What the command asked for."""

    grids: list[str]
    out: Path
    formats: list[str]
    allow_mixed_code: bool
    judgements: tuple[Path, ...] = ()


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    asked = []

    def write(
        stores,
        out: Path,
        formats,
        *,
        figures: str | None,
        judgements: list[Path],
        compare_by_eye: bool,
        allow_mixed_code: bool,
    ) -> Report:
        grids = [store.grid for store in stores]
        asked.append(Asked(grids, out, formats, allow_mixed_code, tuple(judgements)))
        tables = tuple(out / "tables" / f"arms.{ending}" for ending in formats)
        printed = (out / "figures" / f"means-page.{figures}",) if figures else ()
        return Report(
            out / "report.html",
            out / "report.md",
            out / "report.json",
            tables,
            0,
            printed,
            0,
            out / "by-eye.html" if compare_by_eye else None,
        )

    monkeypatch.setattr(ablate.report, "write_report", write)
    return asked


def test_the_paths_of_the_report_are_printed(ablate_in, pretended, reports: list[Asked]):
    pretended("well")
    ablate_in("run", "grid.toml")
    result = ablate_in("report", "grid.toml", "--reports-dir", "told")
    files = [f"told/pretended/report.{ending}" for ending in ("html", "md", "json")]
    assert result.output.splitlines() == files
    assert reports == [Asked(["pretended"], Path("told/pretended"), [], False)]


def test_without_a_grid_the_last_run_is_reported_and_several_are_compared_in_one(
    ablate_in, pretended, reports: list[Asked]
):
    for name in ("one", "two"):
        pretended("well", name=name)
        ablate_in("run", "grid.toml")
    ablate_in("report")
    ablate_in("report", "two", "one", "--allow-mixed-code")
    assert reports == [
        Asked(["two"], Path("reports/two"), [], False),
        Asked(["two", "one"], Path("reports/two+one"), [], True),
    ]


def test_tables_are_written_in_the_formats_that_are_asked_for(ablate_in, pretended, reports: list[Asked]):
    pretended("well")
    ablate_in("run", "grid.toml")
    result = ablate_in("report", "--latex", "--csv")
    assert reports[0].formats == ["csv", "tex"]
    assert result.output.splitlines()[-1] == "reports/pretended/tables (2 tables)"
    result = ablate_in("report", "--figures", "pdf")
    assert result.output.splitlines()[-1] == "reports/pretended/figures (1 figure for a paper)"


def test_the_page_for_comparing_by_eye_is_asked_for_and_what_it_saved_taken_up(
    ablate_in, pretended, reports: list[Asked]
):
    pretended("well")
    ablate_in("run", "grid.toml")
    result = ablate_in("report", "--compare-by-eye", "--judgements", "a.json", "--judgements", "b.json")
    assert result.output.splitlines()[-1] == "reports/pretended/by-eye.html"
    assert reports[0].judgements == (Path("a.json"), Path("b.json"))


def test_a_grid_that_was_not_run_has_no_report(ablate_in, pretended, reports: list[Asked]):
    pretended("well")
    result = ablate_in("report", "grid.toml")
    assert result.exit_code == 2
    assert "`ablate run grid.toml` runs it" in result.stderr
    assert reports == []


def test_a_grid_file_that_changed_since_it_was_run_is_warned_about(ablate_in, pretended, reports: list[Asked]):
    pretended("well")
    ablate_in("run", "grid.toml")
    pretended("well", "well")
    result = ablate_in("report", "grid.toml")
    assert result.exit_code == 0
    assert "warning: grid.toml changed since it was run" in result.stderr
    assert len(reports) == 1
