"""Job arrays: by submitit's local executor, and end to end by a scheduler that the tests bring."""

import json
import math
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.execute import Executor, RunContext
from ablate.execute.estimate import Estimate
from ablate.execute.jobs import jobs
from ablate.execute.slurm import SlurmExecutor, parts_of
from ablate.store import Store
from tests.execute import fake_slurm
from tests.execute.pretend import Notes, make_plan, run_pretended
from tests.execute.processes import ROOT, PythonProcess, eventually
from tests.made import made_result

submitit = pytest.importorskip("submitit", reason="the extra slurm is not installed")

PATIENCE = 240
SETTINGS = {"executor": "slurm", "time": 3600.0, "workers": "auto"}


def entries(root: Path, *behaviours: str, steps: int = 10):
    plan = make_plan(*behaviours, steps=steps)
    return [Store(root, plan.name).cell(point.id) for point in plan.points]


def locally(context: RunContext) -> Executor:
    return SlurmExecutor(context, lambda directory, _execution, _threads: submitit.LocalExecutor(directory))


def test_tasks_of_an_array_do_the_jobs_and_what_died_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ablate.execute.slurm.LOOK_SECONDS", 0.1)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    behaviours = ("well", "raise:broken thing", "die", "diverge")
    plan, notes = make_plan(*behaviours), Notes()
    assert run_pretended(plan, tmp_path, notes, executor=locally, settings=SETTINGS) == 3
    found = entries(tmp_path, *behaviours)
    assert [entry.status().value for entry in found] == ["done", "failed", "failed", "diverged"]
    assert notes.ends["raise seed=1"].cause == "ValueError: broken thing"
    assert "SIGKILL" in notes.ends["die seed=2"].cause
    assert [len(entry.attempts()) for entry in found] == [1] * 4, "what a cell does itself is not tried again"
    submitted = [text for text in notes.messages if text.startswith("submitted")]
    assert [text.partition(": ")[2] for text in submitted] == ["1 task", "4 tasks"], "the warm-up, then all cells"


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[dict[str, str]]:
    environment = fake_slurm.install(tmp_path / "slurm", minute=1.0)
    yield environment
    for name, state in fake_slurm.tasks(tmp_path / "slurm").items():
        if state not in fake_slurm.ENDED:
            (tmp_path / "slurm" / f"{name}.state").write_text("CANCELLED")
    eventually(
        lambda: all(state in fake_slurm.ENDED for state in fake_slurm.tasks(tmp_path / "slurm").values()),
        "a task of the scheduler is left",
    )


def runner(root: Path, scheduler: dict[str, str], *behaviours: str, steps: int = 10, **settings: object):
    program = ("-m", "tests.execute.pretended_runner", str(root), str(steps), *behaviours)
    return PythonProcess(*program, **scheduler, PRETENDED_EXECUTION=json.dumps(SETTINGS | settings))


def test_a_preempted_task_is_queued_again_and_one_at_its_time_limit_too(tmp_path: Path, scheduler: dict[str, str]):
    # Ten minutes of one second each, of which two are left at the warning: some 1500 of 2500 steps.
    behaviours, steps, slurm = ("well", "well"), 2500, tmp_path / "slurm"
    run = runner(tmp_path / "runs", scheduler, *behaviours, steps=steps, time=600, partition="gpu")
    first, second = entries(tmp_path / "runs", *behaviours, steps=steps)
    eventually(lambda: (row := first.last_row()) and row.step > 50, "nothing was begun", PATIENCE)
    fake_slurm.preempt(slurm, "101_0")
    assert run.code(PATIENCE) == 0, run.lines

    # Every attempt but the last saved its state; no step was done twice, none is missing.
    for entry in (first, second):
        ends = [attempt.exit() for attempt in entry.attempts()]
        assert [end.status.value for end in ends] == ["interrupted"] * (len(ends) - 1) + ["done"]
        assert [row.step for row in entry.metrics()] == list(range(1, steps + 1))
    began = [entry.attempts()[0].exit().step for entry in (first, second)]
    assert began[0] < began[1] < steps, "one ended where it was preempted, the other at its time limit"
    states = [state for name, state in fake_slurm.history(slurm) if name == "101_0"]
    assert states == [*["RUNNING", "PENDING"] * (len(first.attempts()) - 1), "RUNNING", "COMPLETED"]
    assert not list((tmp_path / "runs" / "pretended" / "slurm").iterdir()), "nothing is left of what went well"


def test_a_signal_after_its_last_job_does_not_fail_a_task():
    script = """if True:
        import os, signal
        from ablate.execute.array_task import ArrayTask
        assert ArrayTask((), ())() == {}
        # As where the interpreter ends: handlers in Python are gone, what the system ignores stays.
        for number in (signal.SIGUSR1, signal.SIGTERM):
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        print("ended well")"""
    assert PythonProcess("-c", script).code(PATIENCE) == 0


def test_the_script_says_what_the_options_say(tmp_path: Path, scheduler: dict[str, str]):
    settings = {"partition": "gpu", "time": 14400, "threads": 4, "sbatch": {"account": "lab"}, "workers": 7}
    assert runner(tmp_path / "runs", scheduler, "well", "well", **settings).code(PATIENCE) == 0
    _, script = fake_slurm.scripts(tmp_path / "slurm")
    lines = {line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH")}
    asked = {
        "partition=gpu", "time=240", "cpus-per-task=4", "account=lab", "requeue", "signal=USR1@120", "array=0-1%2",
        "ntasks-per-node=1", "nodes=1",
    }  # fmt: skip
    assert asked <= lines
    assert "export SUBMITIT_PREEMPT_SIGNAL=USR1" in script


def test_a_stop_saves_states_and_a_task_that_is_cancelled_from_outside_is_submitted_again(
    tmp_path: Path, scheduler: dict[str, str]
):
    behaviours, slurm = ("wait", "wait"), tmp_path / "slurm"
    found = entries(tmp_path / "runs", *behaviours, steps=300)
    run = runner(tmp_path / "runs", scheduler, *behaviours, steps=300)
    eventually(lambda: all(entry.last_row() for entry in found), "nothing was begun", PATIENCE)
    run.process.send_signal(signal.SIGTERM)
    assert run.code(PATIENCE) == 130, run.lines
    assert [entry.last_attempt().exit().status.value for entry in found] == ["interrupted"] * 2
    assert not list((tmp_path / "runs").rglob(".stop*"))

    run = runner(tmp_path / "runs", scheduler, *behaviours, steps=300)
    eventually(lambda: all(len(entry.attempts()) == 2 for entry in found), "nothing was resumed", PATIENCE)
    (slurm / "102_1.state").write_text("CANCELLED")
    assert run.code(PATIENCE) == 0, run.lines
    assert any("its task 102_1 is gone (cancelled); it is tried again (1 of 3)" in line for line in run.lines)
    assert [len(entry.attempts()) for entry in found] == [2, 3]


def test_a_time_limit_is_asked_for_and_a_machine_without_slurm_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match=r"needs --time, as in --time 4h"):
        run_pretended(make_plan("well"), tmp_path / "runs", settings={"executor": "slurm"})
    with pytest.raises(ValueError, match=r"--time must be above 240 s, not 60 s"):
        run_pretended(make_plan("well"), tmp_path / "runs", settings=SETTINGS | {"time": 60})
    with pytest.raises(ValueError, match=r'gpus_per_task = 1 contradicts device = "cpu"'):
        run_pretended(make_plan("well"), tmp_path / "runs", settings=SETTINGS | {"gpus_per_task": 1})
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    with pytest.raises(ValueError, match=r"there is no sbatch on .*; start the run where jobs are submitted"):
        run_pretended(make_plan("well"), tmp_path / "runs", settings=SETTINGS)
    assert not (tmp_path / "runs").exists()


def test_cells_are_packed_by_the_time_they_take(tmp_path: Path):
    plan, store, estimate = make_plan(*["well"] * 10, warmup=False), Store(tmp_path, "pretended"), Estimate()
    cells = jobs(plan, store)
    sizes = lambda seconds, at_once: [len(part) for part in parts_of(cells, estimate, seconds, at_once)]  # noqa: E731
    assert sizes(math.inf, 1) == [1] * 10, "nobody knows how long they take"
    result = made_result(store.cell(plan.points[0].id), step=10, seconds=60.0, train_seconds=50.0, eval_seconds=10.0)
    estimate.learn("cell", plan.points[0].cell, result)
    assert sizes(200, 1) == [3, 3, 3, 1]
    assert sizes(200, 5) == [2] * 5, "no more than it takes to have five tasks"
    assert sizes(30, 1) == [1] * 10, "one that takes longer than a task goes on in another"
