"""Runners and workers that are killed, interrupted or run twice at once, as processes of their own."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ablate.execute.interrupts import SAME_STOP_SECONDS, STOPS
from ablate.records import rows
from ablate.store import Store
from tests.execute import pretend
from tests.execute.processes import ROOT, PythonProcess, eventually


class Runner(PythonProcess):
    """A runner of pretended trainings."""

    def __init__(self, root: Path, *behaviours: str, steps: int, **environment: str) -> None:
        program = ("-m", "tests.execute.pretended_runner", str(root), str(steps))
        super().__init__(*program, *behaviours, **environment)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    runners: list[Runner] = []

    def starter(*behaviours: str, steps: int = 40, **environment: str) -> Runner:
        runners.append(Runner(tmp_path, *behaviours, steps=steps, **environment))
        return runners[-1]

    yield starter
    for runner in runners:
        runner.end()


def worker_pids(root: Path) -> list[int]:
    """Who runs a job now, by the attempts that have not ended."""
    starts = [path for path in root.rglob("start.json") if not (path.parent / "exit.json").exists()]
    return [json.loads(path.read_text())["pid"] for path in starts]


def cells(root: Path, behaviours: list[str], steps: int):
    plan = pretend.make_plan(*behaviours, steps=steps)
    return [Store(root, plan.name).cell(point.id) for point in plan.points]


def assert_as_if_undisturbed(root: Path, behaviours: list[str], steps: int) -> None:
    for entry in cells(root, behaviours, steps):
        assert entry.result().step == steps
        assert [row.step for row in entry.metrics()] == list(range(1, steps + 1))
        assert all(len(rows.read_rows(path)) for path in entry.path.glob("*.jsonl"))
        # One killed between its result and the end of its attempt is finished, so that nobody claims and sweeps it.
        assert all(path.name.startswith(".exit.json.") for path in entry.path.rglob("*.tmp"))
    for path in root.rglob("*.json"):
        json.loads(path.read_text())


def test_kill_minus_nine_of_the_runner_leaves_no_process_and_a_rerun_finishes(tmp_path: Path, start):
    behaviours = ["well"] * 3
    moments = random.Random(0)
    for kill in range(4):
        runner = start(*behaviours)
        if runner.wait_for("said started", "said nothing to do") == "said nothing to do":
            assert kill, "nothing was begun yet"
            break  # a busy machine let all cells end before the last kill
        time.sleep(moments.uniform(0, 0.4))
        os.kill(runner.process.pid, signal.SIGKILL)
        eventually(lambda runner=runner: not runner.alive, "a process outlived its runner")
    assert start(*behaviours).code() == 0
    assert_as_if_undisturbed(tmp_path, behaviours, 40)


def test_a_runner_killed_while_its_fork_server_starts_leaves_no_process(start):
    runner = start("well")
    runner.wait_for("said ready")
    os.kill(runner.process.pid, signal.SIGKILL)
    eventually(lambda: not runner.alive, "a process outlived its runner")


GONE = """
import os
from multiprocessing import forkserver
from ablate.execute.fork_server import start_fork_server
start_fork_server([])
status, job = forkserver.connect_to_new_process([])
os.write(job, {sent!r})
os.close(job)
forkserver.read_signed(status), forkserver.read_signed(status)
"""


@pytest.mark.parametrize(
    ("sent", "told"), [(b"", b""), (b"\x80\x05K", b""), (b"cnowhere\nx\n.", b"No module named 'nowhere'")]
)
def test_a_worker_whose_runner_is_killed_while_it_starts_says_nothing(sent: bytes, told: bytes):
    program = [sys.executable, "-c", GONE.format(sent=sent)]
    ended = subprocess.run(program, stderr=subprocess.PIPE, timeout=60, check=True, cwd=ROOT)
    assert told in ended.stderr
    assert bool(told) == bool(ended.stderr)


def test_a_killed_worker_fails_alone_and_a_rerun_goes_on_from_its_checkpoint(tmp_path: Path, start):
    behaviours = ["wait", "well", "well"]
    runner = start(*behaviours, steps=10)
    runner.wait_for("said ended well")
    waiting = cells(tmp_path, behaviours, 10)[0]
    eventually(lambda: waiting.last_row().step == 5, "never half-way")
    os.kill(waiting.last_attempt().start().pid, signal.SIGKILL)
    assert runner.code() == 3
    assert [entry.status().value for entry in cells(tmp_path, behaviours, 10)] == ["failed", "done", "done"]
    assert start(*behaviours, steps=10).code() == 0
    assert waiting.last_attempt().log_tail(1) == ["at 5 of 10, wait"]
    assert_as_if_undisturbed(tmp_path, behaviours, 10)


def test_workers_die_with_the_fork_server(tmp_path: Path, start):
    runner = start("wait", steps=10)
    runner.wait_for("said started wait")
    eventually(lambda: worker_pids(tmp_path), "no worker")
    (worker,) = worker_pids(tmp_path)
    parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent != runner.process.pid
    os.kill(parent, signal.SIGKILL)
    eventually(lambda: worker not in runner.alive, "a worker outlived the fork server")
    assert runner.code() == 3


@pytest.mark.parametrize("number", STOPS)
def test_one_interrupt_saves_every_cell_and_ends_with_130(tmp_path: Path, start, number: signal.Signals):
    behaviours = ["wait", "wait", "well"]
    runner = start(*behaviours, steps=10)
    runner.wait_for("said started wait seed=1")
    eventually(lambda: len(worker_pids(tmp_path)) == 2, "no two workers")
    runner.send(number)
    assert runner.code() == 130
    ended = [json.loads(path.read_text()) for path in tmp_path.rglob("cells/*/attempts/*/exit.json")]
    assert [end["status"] for end in ended] == ["interrupted"] * 2
    eventually(lambda: not runner.alive, "a process outlived its runner")
    assert start(*behaviours, steps=10).code() == 0
    assert_as_if_undisturbed(tmp_path, behaviours, 10)


def test_a_later_interrupt_kills_what_does_not_listen(tmp_path: Path, start):
    runner = start("deaf", steps=4)
    runner.wait_for("said started deaf")
    eventually(lambda: "deaf" in "".join(path.read_text() for path in tmp_path.rglob("log.txt")), "not deaf yet")
    began = time.monotonic()
    runner.send(signal.SIGINT)
    runner.wait_for("stopping")
    time.sleep(SAME_STOP_SECONDS)
    runner.send(signal.SIGINT)
    runner.wait_for("stopping now")
    assert runner.code() == 130
    assert time.monotonic() - began < 30, "a deaf cell sleeps for 60 s"
    eventually(lambda: not runner.alive, "a process outlived its runner")


def test_two_runners_share_the_work_and_train_nothing_twice(tmp_path: Path, start):
    behaviours = ["crowd:4"] * 4 + ["well"] * 2  # two workers each: four at once takes both runners
    runners = [start(*behaviours, steps=10) for _ in range(2)]
    assert [runner.code() for runner in runners] == [0, 0]
    assert_as_if_undisturbed(tmp_path, behaviours, 10)
    assert len(list(tmp_path.rglob("start.json"))) == 7, "six cells and one warm-up"
    assert all(len([line for line in runner.lines if "ended crowd" in line]) == 2 for runner in runners)


def test_a_runner_takes_over_from_one_that_was_killed(tmp_path: Path, start):
    first = start("wait", steps=10)
    first.wait_for("said started wait")
    eventually(lambda: worker_pids(tmp_path), "no worker")
    second = start("wait", steps=10)
    second.wait_for("said 2 workers")
    first.process.kill()
    assert second.code() == 0
    assert_as_if_undisturbed(tmp_path, ["wait"], 10)


def test_a_training_may_print_what_the_locale_has_no_letters_for(tmp_path: Path, start):
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    assert start("letters", steps=2, **ascii_alone).code() == 0
    (entry,) = cells(tmp_path, ["letters"], 2)
    assert entry.last_attempt().log_path.read_text("utf-8") == "at 0 of 2, letters\nwéll – λ\n"
