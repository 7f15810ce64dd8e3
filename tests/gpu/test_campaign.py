"""The campaign for a GPU, on a CPU: all its parts on the smallest of everything, its limits, and how it goes on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gpu import campaign, goals, page, together
from tests.gpu.campaign import Campaign, obstacle
from tests.gpu.parts import PARTS, UNFINISHED, Command, Part, Plan
from tests.gpu.steps import VARIANTS, Session

pytestmark = pytest.mark.timeout(900)
MACHINE = {"gpu": "none, a dry run", "python": "3", "torch": "2", "triton": None, "cuda": None, "missing": []}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """All five parts, tried once."""
    root = tmp_path_factory.mktemp("campaign")
    tried = Campaign(Plan(root / "reports", MACHINE, "cpu", root / "runs"), say=lambda _text: None)
    tried.run()
    return tried


def logs(place: Path) -> str:
    return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in place.glob("*.log"))


def test_every_part_is_done_and_wrote_its_figures(tried: Campaign) -> None:
    place = tried.plan.place
    state = campaign.recorded(place)
    assert {name: found["status"] for name, found in state.items()} == {part.name: "done" for part in PARTS}, logs(
        place
    )
    text = (place / "campaign.md").read_text()
    assert "0 passed, 0 failed" in text
    assert (tried.plan.reports / "bench" / "none-a-dry-run.json").exists()
    assert goals.TITLE in (tried.plan.reports / "bench" / "none-a-dry-run.md").read_text()
    assert (place / "gpu_study" / "report.html").exists()
    assert "[gpu_study/report.md](gpu_study/report.md)" in text


def test_a_step_is_measured_in_every_way_and_a_way_that_is_there_is_not_measured_again(
    tried: Campaign, tmp_path: Path
) -> None:
    document = json.loads((tried.plan.place / "steps.json").read_text())
    assert {row["variant"]: row["status"] for row in document["rows"]} == dict.fromkeys(VARIANTS, "measured"), document
    assert all(0 < row["share_of_peak"] < 1 for row in document["rows"])
    *kept, lost = document["rows"]
    into = tmp_path / "steps.json"
    into.write_text(json.dumps({**document, "rows": kept}))
    assert not Session("cpu", into, 0.0, tmp_path).run(), "no time is left"
    assert json.loads(into.read_text())["rows"] == kept
    assert Session("cpu", into, 60.0, tmp_path).run()
    *again, measured = json.loads(into.read_text())["rows"]
    assert again == kept
    assert (measured["variant"], measured["seconds"] != lost["seconds"]) == (lost["variant"], True)


def test_cells_at_once_are_counted_together_and_without_the_service_a_sentence_says_so(tried: Campaign) -> None:
    rows = {row["way"]: row for row in json.loads((tried.plan.place / "together.json").read_text())["rows"]}
    for way in (together.PROCESSES, together.STREAMS):
        assert rows[way]["cells"] == 2
        assert rows[way]["steps_a_second"] > 0, rows[way]
    assert rows[together.SERVICE]["status"] in ("failed", "measured")
    assert "nvidia-cuda-mps-control is not here" in (tried.plan.place / "campaign.md").read_text()


def test_what_is_done_is_not_done_again(tried: Campaign) -> None:
    said: list[str] = []
    assert Campaign(tried.plan, say=said.append).run()
    assert said == [f"{part.name}: done before" for part in PARTS]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Campaign, list[str]]]:
    """Runs parts of a line of Python each, that have so many seconds."""
    monkeypatch.setattr(campaign, "GRACE_SECONDS", 0.5)

    def run(minutes: float = 25.0, needs: tuple[str, ...] = (), **parts: tuple[float, str]):
        def part(name: str, seconds: float, line: str) -> Part:
            return Part(name, seconds, lambda *_: [Command([sys.executable, "-c", line])], needs)

        machine = {**MACHINE, "missing": ["nowhere"]}
        plan, said = Plan(tmp_path, machine, "cuda", tmp_path), []
        of = Campaign(plan, [part(name, *each) for name, each in parts.items()], minutes, said.append)
        of.run()
        return of, said

    return run


def test_a_part_that_takes_too_long_is_ended_and_the_next_one_has_its_turn(run, tmp_path: Path) -> None:
    touch = f"open({str(tmp_path / 'second')!r}, 'w')"
    long = f"import time; open({str(tmp_path / 'kept')!r}, 'w').close(); time.sleep(60)"
    of, said = run(first=(4.0, long), second=(30.0, touch))
    state = campaign.recorded(of.plan.place)
    assert (state["first"]["status"], state["second"]["status"]) == ("cut off", "done")
    assert state["first"]["seconds"] < 20
    assert (tmp_path / "kept").exists(), "what it wrote before stays"
    assert (tmp_path / "second").exists()
    assert "was stopped by its time limit" in said[1]


def test_parts_that_were_not_done_are_taken_up_again_and_others_are_not(run, tmp_path: Path) -> None:
    count = f"open({str(tmp_path / 'counted')!r}, 'a').write('x')"
    fails = f"import sys, os; sys.exit({UNFINISHED} if os.path.exists({str(tmp_path / 'there')!r}) else 3)"
    of, said = run(first=(30.0, count), second=(30.0, fails))
    assert campaign.recorded(of.plan.place)["second"]["status"] == "failed"
    assert "python -c" in said[3]
    assert "ended with exit code 3, see second.log" in said[3]
    (tmp_path / "there").touch()
    of, said = run(first=(30.0, count), second=(30.0, fails))
    assert said[0] == "first: done before"
    assert campaign.recorded(of.plan.place)["second"]["status"] == "cut off", "it may go on another time"
    assert (tmp_path / "counted").read_text() == "x"


def test_no_part_starts_without_time_or_what_it_needs(run) -> None:
    of, _ = run(minutes=0.4, first=(30.0, "pass"))
    assert campaign.recorded(of.plan.place)["first"]["said"] == "no time was left"
    of, _ = run(needs=("nowhere",), second=(30.0, "pass"))
    assert campaign.recorded(of.plan.place)["second"]["said"] == "nowhere is not installed"


def test_all_limits_together_are_those_of_the_whole() -> None:
    assert sum(part.seconds for part in PARTS) + campaign.RESERVE_SECONDS <= 60 * campaign.MINUTES


def test_what_a_machine_lacks_is_told_before_anything_starts() -> None:
    assert "sees no GPU here" in str(obstacle({**MACHINE, "gpu": None}))
    assert "constriction cannot be imported here" in str(obstacle({**MACHINE, "missing": ["constriction", "pytest"]}))
    assert obstacle({**MACHINE, "gpu": "a GPU", "missing": ["pytest"]}) is None


def test_goals_are_held_against_the_figures_and_what_is_not_measured_says_so(tmp_path: Path) -> None:
    ceilings = {"copy": 3.0e12, "triad": 3.3e12, "read": 3.0e12}
    about = {"backend": "triton", "status": "measured", "dtype": "float32"}
    rows = [
        {**about, "kernel": "l1", "shape": "8x3x512x1024", "roofline": 0.85},
        {**about, "kernel": "mse", "shape": "8x3x512x1024", "roofline": 0.5},
        {**about, "kernel": "ms_ssim", "shape": "8x3x512x1024", "median": {"cold": {"device": 4e-4}}},
        {**about, "kernel": "charbonnier", "shape": "8x3x512x1024", "roofline": 1.0, "backend": "eager"},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"rows": rows, "ceilings": ceilings}))
    (tmp_path / "a.md").write_text("# Loss kernels\n")
    (tmp_path / goals.GRAPHED).write_text(json.dumps({"losses": {"lsgan": 4e-6, "hinge": 6e-6}}))
    for _ in range(2):
        assert "charbonnier" in goals.write(tmp_path, tmp_path, "a")
    found = {goal["goal"].split(":")[0]: goal["met"] for goal in json.loads((tmp_path / "goals.json").read_text())}
    assert [found[name] for name in ("l1", "mse", "charbonnier", "ms_ssim 8x3x512x1024")] == [True, False, None, True]
    assert [met for name, met in found.items() if "in a graph" in name] == [None, True, False]
    text = (tmp_path / "a.md").read_text()
    assert text.count(goals.TITLE) == 1
    assert "| l1: 90% of the copy's bandwidth | 94 % | yes |" in text
    assert "| charbonnier: 90% of the copy's bandwidth | not measured |  |" in text


def test_a_failed_test_is_named_on_the_page(tmp_path: Path) -> None:
    case = '<testcase classname="tests.a" name="test_b"><failure message="assert 1 == 2&#10;more"/></testcase>'
    (tmp_path / "tests.xml").write_text(f'<testsuite>{case}<testcase classname="tests.a" name="test_c"/></testsuite>')
    text = page.markdown(tmp_path, MACHINE, {})
    assert "1 passed, 1 failed, 0 skipped." in text
    assert "- tests.a.test_b: assert 1 == 2" in text


def test_the_multi_process_service_runs_for_the_block_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control, log = tmp_path / together.CONTROL, tmp_path / "log"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    control.write_text(f'#!/bin/sh\necho "$CUDA_MPS_PIPE_DIRECTORY $*" >> {log}\n[ "$1" = -d ] || cat >> {log}\n')
    control.chmod(0o755)
    with together.service() as environment:
        place = environment["CUDA_MPS_PIPE_DIRECTORY"]
        assert log.read_text() == f"{place} -d\n"
    assert log.read_text() == f"{place} -d\n{place} \nquit\n"
    control.write_text("#!/bin/sh\necho no such card >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match="does not start: no such card"), together.service():
        pass
