"""An executor that this file brings: plain processes, asked to stop by a file, as tasks on other machines would be."""

import base64
import contextlib
import functools
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.execute import Executor, ProcessExit, RunContext, capacity_of, executors
from ablate.execute.jobs import Job
from ablate.execute.worker import BUSY, Conditions
from ablate.records import Environment
from ablate.store import Store
from tests.execute.pretend import Notes, make_plan, run_pretended

TASK = """
import base64, pickle, sys
from ablate.execute.worker import do_job
*given, stop_file = pickle.loads(base64.b64decode(sys.argv[1]))
sys.exit(do_job(*given, asked=stop_file.exists))
"""


class PlainProcesses:
    """Starts a Python for each job, without a server, slots or signals."""

    def __init__(self, context: RunContext) -> None:
        self.capacity = capacity_of(context.execution)
        self._context = context
        self._stop_file = context.store.root / "stop"
        self._running: list[tuple[Job, subprocess.Popen, float]] = []

    @property
    def busy(self) -> bool:
        return bool(self._running)

    @property
    def free(self) -> bool:
        return len(self._running) < self.capacity.workers

    def start(self, job: Job) -> None:
        self._stop_file.unlink(missing_ok=True)
        conditions = Conditions("cpu", 1, None, Environment(threads=1, device="cpu"), self._context.timeout_seconds)
        given = (self._context.work.function, job, self._context.store, conditions, self._stop_file)
        argument = base64.b64encode(pickle.dumps(given)).decode()
        self._running.append((job, subprocess.Popen([sys.executable, "-c", TASK, argument]), time.monotonic()))

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        time.sleep(min(seconds, 0.02))
        gone = [each for each in self._running if each[1].poll() is not None]
        self._running = [each for each in self._running if each not in gone]
        return [
            (job, ProcessExit(task.pid, task.returncode, time.monotonic() - began, self._stop_file.exists()))
            for job, task, began in gone
        ]

    def stop(self) -> None:
        self._stop_file.touch()

    def kill(self) -> None:
        for _, task, _ in self._running:
            task.kill()


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    list(executors)  # those that ship
    monkeypatch.setattr(executors, "_entries", dict(executors._entries))

    @executors.register()
    def plain(context: RunContext) -> Executor:
        return PlainProcesses(context)

    return


run_plainly = functools.partial(run_pretended, executor="plain")


def statuses(plan, root: Path) -> list[str]:
    store = Store(root, plan.name)
    return [store.cell(point.id).status().value for point in plan.points]


def test_its_jobs_are_trained_and_a_failing_one_stops_no_other(tmp_path: Path):
    plan, notes = make_plan("well", "raise:broken thing", "die", "diverge"), Notes()
    assert run_plainly(plan, tmp_path, notes) == 3
    assert statuses(plan, tmp_path) == ["done", "failed", "failed", "diverged"]
    assert notes.ends["raise seed=1"].cause == "ValueError: broken thing"
    assert "SIGKILL" in notes.ends["die seed=2"].cause
    assert run_plainly(plan, tmp_path) == 0, "what failed goes on from its checkpoint"
    assert run_pretended(plan, tmp_path, Notes()) == 0, "and whoever comes next has nothing to do"


def test_an_interrupt_lets_its_jobs_save_their_state(tmp_path: Path):
    plan = make_plan("wait", "wait", warmup=False)
    store = Store(tmp_path, plan.name)

    class Interrupting(Notes):
        def on_tick(self, look) -> None:
            if len([each for each in look().running if each.step == 5]) == 2:
                os.kill(os.getpid(), signal.SIGINT)

    notes = Interrupting()
    assert run_plainly(plan, tmp_path, notes) == 130
    assert statuses(plan, tmp_path) == ["pending", "pending"]
    assert [store.cell(point.id).last_attempt().exit().status for point in plan.points] == ["interrupted"] * 2
    assert run_plainly(plan, tmp_path) == 0
    assert [len(store.cell(point.id).attempts()) for point in plan.points] == [2, 2]


class Outrun(PlainProcesses):
    """Another process takes the first job between the look at it and its start, and lets go of it later."""

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._held = contextlib.ExitStack()
        self.exits: list[int] = []

    def start(self, job: Job) -> None:
        if not self.exits:
            self._held.enter_context(job.entry(self._context.store).claim())
        super().start(job)

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        gone = super().ended(seconds)
        self.exits += [process.exitcode for _, process in gone]
        if gone:
            self._held.close()
        return gone


def test_a_job_that_another_process_takes_first_has_not_failed_and_is_tried_again(tmp_path: Path):
    plan, notes, made = make_plan("well", warmup=False), Notes(), []

    def outrun(context: RunContext) -> Executor:
        made.append(Outrun(context))
        return made[-1]

    assert run_pretended(plan, tmp_path, notes, executor=outrun) == 0
    assert made[0].exits == [BUSY, 0]
    assert notes.starts == ["well seed=0"] * 2
    assert list(notes.ends) == ["well seed=0"]
    assert len(Store(tmp_path, plan.name).cell(plan.points[0].id).attempts()) == 1


class Struck(PlainProcesses):
    """A signal to all processes at once, which a job obeys before the runner looks at its own."""

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        gone = super().ended(seconds)
        if gone:
            os.kill(os.getpid(), signal.SIGTERM)
        return gone


def test_stopping_is_said_before_what_has_stopped(tmp_path: Path):
    order: list[str] = []

    class Ordered(Notes):
        def on_message(self, text: str) -> None:
            order.append(text.partition(":")[0])

        def on_end(self, *_) -> None:
            order.append("ended")

    assert run_pretended(make_plan("well", warmup=False), tmp_path, Ordered(), executor=Struck) == 130
    assert order[-2:] == ["stopping", "ended"]


def test_an_executor_that_there_is_not_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(ValueError, match=r"unknown executor 'plane' .*did you mean 'plain'"):
        run_pretended(make_plan("well"), tmp_path / "runs", executor="plane")
    assert not (tmp_path / "runs").exists()
