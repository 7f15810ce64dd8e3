"""A store that version 0.1 wrote is read, reported and judged as it was then: `tests/data_of_0_1`."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.store import Store

BEFORE = Path(__file__).parents[1] / "data_of_0_1"
TEXT = (".json", ".jsonl", ".txt")
COMPUTED_OTHERWISE = ("bits", "detectable", "seeds_resolving")
"""Figures of a comparison that were wrong then."""
FAILED, DONE, DIVERGED = "5bb621634e4b", "6bae562e34b5", "1f7cbc7ceeae"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the store with the grid files and images that it was made from, as the working directory."""
    copy = tmp_path / "before"
    shutil.copytree(BEFORE, copy)
    for path in copy.rglob("*"):
        if path.suffix in TEXT:
            path.write_text(path.read_text(encoding="utf-8").replace("HERE", str(copy)), encoding="utf-8")
    monkeypatch.chdir(copy)
    return copy


def expected(name: str) -> Any:
    return json.loads(Path("expected", f"{name}.json").read_text(encoding="utf-8"))


def said(*arguments: str, exit_code: int = 0) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def differences(was: Any, now: Any, where: str = "") -> Iterator[str]:
    """Yields where something of then is missing or another now; what is told beside it is none."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key, value in was.items():
            if key in now:
                yield from differences(value, now[key], f"{where}.{key}")
            else:
                yield f"{where}.{key} is missing"
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (before, after) in enumerate(zip(was, now, strict=True)):
            yield from differences(before, after, f"{where}[{index}]")
    # Sums over cells may be taken in another order.
    elif was != (pytest.approx(now, rel=1e-9, abs=1e-12) if isinstance(now, float) else now):
        yield f"{where} was {was}, and is {now}"


@pytest.mark.parametrize("grid", ["before", "stopped"])
@pytest.mark.parametrize("named", ["{}.toml", "{}"], ids=["by its file", "by its name"])
def test_the_status_of_every_cell_is_as_it_was(here: Path, grid: str, named: str) -> None:
    assert not list(differences(expected(f"status-{grid}"), said("status", named.format(grid))))


def test_every_result_is_shown_as_it_stands_in_the_store(here: Path) -> None:
    shown = said("show", "before.toml")
    assert not list(differences(expected("show"), shown))
    for cell in shown["cells"]:
        stored = Store(here / "runs", "before").cell(cell["id"]).path / "result.json"
        assert not list(differences(json.loads(stored.read_text()), cell["result"]))


@pytest.mark.parametrize(
    ("name", "grid", "cell"),
    [("done", "before", DONE), ("diverged", "before", DIVERGED), ("failed", "stopped", FAILED)],
)
def test_all_about_a_cell_is_as_it_was(here: Path, name: str, grid: str, cell: str) -> None:
    was = expected(f"show-{name}")
    was.pop("path")  # now as then below the directory of the store
    assert not list(differences(was, said("show", f"{grid}.toml", cell[:6])))


@pytest.mark.parametrize(("baseline", "code"), [("moved", 1), ("seeds", 3)])
def test_a_baseline_of_then_judges_the_store_as_it_did(here: Path, baseline: str, code: int) -> None:
    arguments = ("check", "before.toml", "--baseline", f"baselines/{baseline}.json", "--allow-other-code")
    was = expected(f"check-{baseline}")
    was.pop("notes")  # they are about the machine
    was["exit_code"] = code  # two seeds decide nothing, and a gate that decides nothing was open then
    assert not list(differences(was, said(*arguments, exit_code=code)))


def test_code_of_today_is_other_code_than_that_of_then(here: Path) -> None:
    found = said("check", "before.toml", "--baseline", "baselines/moved.json", exit_code=3)
    assert {each["outcome"] for each in found["findings"]} == {"not comparable"}
    assert all("made by 2be837ccae07" in each["detail"] for each in found["findings"])


def test_a_report_has_the_numbers_that_it_had(here: Path) -> None:
    result = CliRunner().invoke(app, ["report", "before.toml"])
    assert result.exit_code == 0, result.output
    now, was = json.loads(Path("reports/before/report.json").read_text(encoding="utf-8")), expected("report")
    for contrast in was["verdict"]["contrasts"]:
        for figure in COMPUTED_OTHERWISE:
            contrast.pop(figure)
    assert not list(differences(was, now))


def test_a_report_leaves_a_broken_cell_out_and_ends_with_exit_code_3(here: Path) -> None:
    path = Store(here / "runs", "before").cell(DONE).path / "result.json"
    path.write_text(path.read_text()[:-9])
    result = CliRunner().invoke(app, ["report", "before.toml"])
    assert (result.exit_code, "1 cell left out, whose records cannot be read" in result.stderr) == (3, True)
    assert f"{path.relative_to(here)} cannot be read" in Path("reports/before/report.md").read_text(encoding="utf-8")
