import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import Result

import ablate.check
from ablate.execute import environment
from ablate.store import Store
from tests.check.judged import CODE, PROBE, edit, made, move

FILE = "baselines/ci.json"


@pytest.fixture
def gated(ablate_in, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Store]:
    """Lays a made-up grid under runs/ and takes a baseline from it."""
    monkeypatch.setattr(environment, "code_fingerprint", lambda: CODE)
    monkeypatch.setattr(ablate.check, "measure", lambda _evaluation: dict(PROBE))

    def lay(*options: str, **changes) -> Store:
        store = made(tmp_path, **changes)
        said = ablate_in("baseline", "update", "made-up", "-b", FILE, "--reason", "first", *options)
        assert said.exit_code == 0, said.output
        return store

    return lay


def check(ablate_in: Callable[..., Result], *options: str) -> Result:
    return ablate_in("check", "made-up", "--baseline", FILE, *options)


def test_an_unchanged_grid_passes_and_says_so_last(ablate_in, gated):
    gated()
    result = check(ablate_in)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "made-up: passed (12 pass)"


def test_a_regression_is_red_and_names_arm_metric_and_command(ablate_in, gated):
    move(gated(), 1, "psnr", -1.0)
    result = check(ablate_in)
    assert result.exit_code == 1
    assert "regressed  adversarial=hinge  psnr" in result.output
    assert "ablate baseline update made-up --baseline baselines/ci.json" in result.output
    assert result.output.splitlines()[-1] == "made-up: FAILED (11 pass, 1 regressed)"


def test_a_missing_cell_is_undecided(ablate_in, gated):
    store = gated()
    (store.cell(f"{1:012x}").path / "result.json").unlink()
    result = check(ablate_in)
    assert result.exit_code == 3
    assert "seed 0 is pending" in result.output


def test_results_of_other_code_are_refused_unless_they_are_wanted(ablate_in, gated, monkeypatch):
    gated()
    monkeypatch.setattr(environment, "code_fingerprint", lambda: "beef" * 3)
    result = check(ablate_in)
    assert result.exit_code == 3
    assert f"made by {CODE}, and this is beefbeefbeef" in result.output
    assert check(ablate_in, "--allow-other-code").exit_code == 0


def test_seeds_that_scatter_are_inconclusive_and_strict_makes_that_an_exit_code(ablate_in, gated):
    store = gated("--mode", "stat", seeds=range(6))
    for index in range(12):
        move(store, index, "psnr", -2.0 if index // 2 % 2 else 2.0)
    result = check(ablate_in)
    assert "inconclusive  adversarial=lsgan  psnr" in result.output
    assert result.exit_code == 0
    assert check(ablate_in, "--strict").exit_code == 4


def test_every_output_tells_the_same(ablate_in, gated, tmp_path: Path, monkeypatch):
    move(gated(), 0, "fd_lite0_112", 3.0)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = check(ablate_in, "--junit", "out/gate.xml", "--md", "out/gate.md", "--github")
    assert result.exit_code == 1
    assert ElementTree.parse(tmp_path / "out/gate.xml").getroot().get("failures") == "1"
    headline = "made-up: FAILED (11 pass, 1 regressed)"
    assert (tmp_path / "out/gate.md").read_text().startswith(f"### {headline}")
    assert summary.read_text().startswith(f"### {headline}")
    assert f"::error title=ablate check::{headline}" in result.output
    content = json.loads(check(ablate_in, "--json").output)
    assert (content["exit_code"], content["counts"]["regressed"], content["mode"]) == (1, 1, "exact")
    (red,) = [each for each in content["findings"] if each["outcome"] == "regressed"]
    assert (red["arm"], red["metric"]) == ("adversarial=lsgan", "fd_lite0_112")
    assert red["change"] == pytest.approx(3.0)


def test_outside_of_github_the_summary_is_said_to_be_left_out(ablate_in, gated, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    gated()
    assert "GITHUB_STEP_SUMMARY is not set" in check(ablate_in, "--github").stderr


def test_mistakes_are_told_from_red_gates(ablate_in, gated, tmp_path: Path):
    gated()
    assert ablate_in("check", "made-up").exit_code == 2
    assert ablate_in("check", "made-up", "-b", "none.json").exit_code == 2
    assert check(ablate_in, "--json", "--github").exit_code == 2
    assert ablate_in("check", "nobody", "-b", FILE).exit_code == 2
    made(tmp_path, name="another")
    result = ablate_in("check", "another", "-b", FILE)
    assert result.exit_code == 2
    assert "is of the grid made-up, not of another" in result.stderr


def test_a_baseline_of_another_schema_cannot_be_compared(ablate_in, gated, tmp_path: Path):
    gated()
    (tmp_path / FILE).write_text('{"schema": 2}')
    result = check(ablate_in, "--junit", "gate.xml", "--json")
    assert result.exit_code == 3
    (found,) = json.loads(result.output)["findings"]
    assert (found["outcome"], found["reason"]) == ("not comparable", "other baseline")
    assert "no baseline of schema 1 (found: 2)" in found["detail"]
    assert ElementTree.parse(tmp_path / "gate.xml").getroot().get("errors") == "1"
    assert "found: 2" in ablate_in("baseline", "update", "made-up", "-b", FILE, "-m", "why").stderr


def test_an_update_shows_what_moved_and_the_gate_is_green_again(ablate_in, gated):
    move(gated(), 1, "psnr", 1.0)
    assert check(ablate_in).exit_code == 1
    said = ablate_in("baseline", "update", "made-up", "-b", FILE, "-m", "a better hinge")
    assert "improved  adversarial=hinge  psnr" in said.output
    assert check(ablate_in).exit_code == 0
    shown = ablate_in("baseline", "show", FILE).output
    assert "first" in shown
    assert "a better hinge" in shown


def test_margins_are_measured_from_runs_that_ought_to_be_alike(ablate_in, gated, tmp_path: Path):
    gated()
    move(made(tmp_path / "elsewhere"), 0, "psnr", 0.01)
    said = ablate_in("baseline", "update", "made-up", "-b", FILE, "-m", "margins", "--alike", "elsewhere/runs")
    assert said.exit_code == 0
    content = json.loads(ablate_in("baseline", "show", FILE, "--json").output)
    assert content["metrics"]["psnr"]["margin"] >= 0.04


def test_a_baseline_needs_finished_cells_a_reason_and_a_mode_there_is(ablate_in, gated):
    store = gated()
    arguments = ("baseline", "update", "made-up", "-b", FILE)
    assert ablate_in(*arguments).exit_code == 2
    assert ablate_in(*arguments, "-m", "  ").exit_code == 2
    wrong = ablate_in(*arguments, "-m", "why", "--mode", "exakt")
    assert (wrong.exit_code, "there is: exact, stat" in wrong.stderr) == (2, True)
    edit(store, 0, lambda result: result["environment"].update(fingerprint="beef"))
    assert "made by beef" in ablate_in(*arguments, "-m", "why").stderr


def test_looking_writes_nothing(ablate_in, gated, tmp_path: Path):
    gated()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    check(ablate_in)
    ablate_in("baseline", "show", FILE)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
