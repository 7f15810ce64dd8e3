"""Commands that follow a grid: they end with it, or by Ctrl-C, and say nothing twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ablate.cli.watch
from ablate.cli.progress import line
from ablate.execute.plan import stored_plan
from ablate.execute.shard import Shard
from ablate.records import Environment, MetricRow
from tests.cli.test_progress import SNAPSHOT
from tests.fabricated_store import Fabrication, fabricate

GRID = Fabrication(
    axes={"loss.adversarial": ["lsgan", "hinge"]},
    seeds=(0,),
    settings={"train.precision": "float32", "model.width": 16},
)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablate.cli.watch, "BUSY_SHARE", 1.0)


def test_follow_ends_when_all_is_over_and_by_ctrl_c(soon):
    turns = iter([False, False, True])
    ablate.cli.watch.follow(lambda: next(turns), 0.0)
    assert list(turns) == []

    def interrupted() -> bool:
        raise KeyboardInterrupt

    ablate.cli.watch.follow(interrupted)


def test_a_moment_is_one_line():
    said = line(SNAPSHOT)
    assert said.startswith(" 25%  cells: 3 done · 2 running · 1 failed · 0 diverged · 6 pending  about 2 min 5 s left")
    assert "hinge seed=0 train 120/400" in said


def test_status_of_a_grid_that_is_over_is_said_once(ablate_in, pretended):
    pretended("well", "raise:no", warmup=False)
    ablate_in("run", "grid.toml")
    watched, plain = ablate_in("status", "grid.toml", "--watch"), ablate_in("status", "grid.toml")
    assert (watched.exit_code, plain.exit_code) == (0, 0)
    # What failed is tried again by the next run, and by no one that runs now.
    assert "100%  cells: 1 done · 0 running · 1 failed" in watched.output.splitlines()[0]
    assert watched.output.splitlines()[1:] == plain.output.splitlines()


def test_a_shard_that_is_over_ends_a_watch_though_others_are_not(ablate_in, pretended, monkeypatch):
    plan = pretended(*["well"] * 6, warmup=False)
    ablate_in("run", "grid.toml", "--shard", "1/2")
    monkeypatch.setattr(ablate.cli.watch, "follow", lambda turn: ended.append(turn()))
    ended: list[bool] = []
    in_shard = sum(point.id in Shard(1, 2) for point in plan.points)
    assert 0 < in_shard < 6
    watched = ablate_in("status", "grid.toml", "--watch", "--shard", "1/2")
    assert ended == [True]
    assert f"cells: {in_shard} done · 0 running · 0 failed · 0 diverged · 0 pending" in watched.output
    ablate_in("status", "grid.toml", "--watch")
    assert ended == [True, False]


def test_programs_are_told_to_ask_again(ablate_in, pretended):
    pretended("well")
    ablate_in("run", "grid.toml")
    assert ablate_in("status", "grid.toml", "--watch", "--json").exit_code == 2


def test_ctrl_c_ends_with_code_0_and_what_changed_meanwhile_was_said(tmp_path: Path):
    store = fabricate(tmp_path, Fabrication(**{**vars(GRID), "status": {1: "pending"}}))
    entry = store.cell(stored_plan(store).points[1].id)
    entry.begin_attempt(Environment())
    with entry.claim():
        entry.append_metrics(MetricRow(step=100, attempt=1, loss={"generator": 1.0}))
        with start(tmp_path, "status", "made-up", "--watch") as running:
            assert "1 done · 1 running" in (said := running.stdout.readline()), said
            assert "hinge seed=0 train 100/1000" in said
            entry.append_metrics(MetricRow(step=300, attempt=1, loss={"generator": 1.0}))
            assert "hinge seed=0 train 300/1000" in running.stdout.readline()
            running.send_signal(signal.SIGINT)
            assert running.wait(30) == 0


def test_the_page_is_rewritten_until_the_grid_is_over_and_then_it_is_the_report(tmp_path: Path):
    store = fabricate(tmp_path, Fabrication(**{**vars(GRID), "status": {1: "pending"}}))
    page = tmp_path / "reports" / "made-up" / "report.html"
    with start(tmp_path, "report", "made-up", "--watch") as running:
        assert str(Path("reports/made-up/report.html")) in running.stdout.readline()
        assert "1 cell finished, 0 under way" in running.stdout.readline()
        assert 'http-equiv="refresh"' in page.read_text()
        shutil.rmtree(store.path / "cells")
        fabricate(tmp_path, GRID)
        rest, _ = running.communicate(timeout=60)
    assert running.returncode == 0, rest
    assert 'http-equiv="refresh"' not in page.read_text()
    assert '<section id="verdict">' in page.read_text()


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    quick = "import ablate.cli.watch as w, ablate.cli.report as r; r.REFRESH_SECONDS = 1; w.BUSY_SHARE = 1.0"
    program = f"{quick}; from ablate.cli import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
