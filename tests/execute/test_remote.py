"""What is sent to other machines, what they do with it, and how its end is read from the store."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.execute import RunContext
from ablate.execute.capacity import Capacity
from ablate.execute.jobs import Job, jobs
from ablate.execute.remote import Dispatch, Sent, do
from ablate.execute.result import read_result
from ablate.execute.worker import BUSY
from ablate.records import Environment, Execution, FailureReason, Status
from ablate.store import Store
from tests.execute.pretend import PRETENDING, make_plan, saved_step

CLOCK_SECONDS = 0.05
"""More than the times of files are coarse by."""


@pytest.fixture
def dispatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dispatch:
    monkeypatch.setattr("ablate.execute.remote.SEEN_SECONDS", 0.1)
    context = RunContext(PRETENDING, Store(tmp_path / "runs", "pretended"), Execution())
    return Dispatch(context, Capacity("cpu", 1, 1), cells_at_once=1)


@pytest.fixture
def job(dispatch: Dispatch) -> Job:
    return jobs(make_plan("well", warmup=False), dispatch.store)[0]


def interrupted(sent: Sent) -> None:
    """Leaves what a task leaves that was told to end by its machine."""
    sent.request.job.entry(sent.request.store).begin_attempt(Environment()).finish(Status.interrupted, 3, 0.1)


def test_a_machine_that_does_not_see_the_store_trains_into_no_other(dispatch: Dispatch, job: Job, capfd):
    assert do(dispatch.sent(job).request, lambda: False) == 1
    assert f"does not see {dispatch.store.path}; all machines need one store" in capfd.readouterr().err
    assert not dispatch.store.root.exists()


def test_a_job_that_is_stopped_before_it_begins_makes_no_attempt(dispatch: Dispatch, job: Job):
    dispatch.store.path.mkdir(parents=True)
    sent = dispatch.sent(job)
    dispatch.stop()
    sent.told = True
    assert do(sent.request, lambda: False) == BUSY
    assert read_result(job.entry(dispatch.store), sent.exit(-9), Environment(), saved_step).reason is FailureReason.busy
    assert not job.entry(dispatch.store).begun
    dispatch.over()
    assert not sent.request.stopped


def test_one_that_is_cancelled_while_it_waits_in_a_queue_makes_no_attempt(dispatch: Dispatch, job: Job):
    make_plan("well", warmup=False).write(dispatch.store)
    sent = dispatch.sent(job)
    time.sleep(CLOCK_SECONDS)
    job.entry(dispatch.store).cancel()
    assert do(replace(sent.request, function=pytest.fail), lambda: False) == BUSY
    assert not job.entry(dispatch.store).attempts()
    assert sent.exit(BUSY).lost == ""
    time.sleep(CLOCK_SECONDS)
    assert not job.entry(dispatch.store).cancelled(dispatch.sent(job).request.since), "the next run goes on with it"


def test_what_its_machine_ended_is_lost_and_what_was_cancelled_or_stopped_is_not(dispatch: Dispatch, job: Job):
    sent = dispatch.sent(job)
    interrupted(sent)
    entry = job.entry(dispatch.store)
    result = read_result(entry, sent.exit(0), Environment(), saved_step)
    assert (result.status, result.lost, sent.request.ended()) == (Status.interrupted, True, False)

    sent = dispatch.sent(job)
    assert sent.request.attempt() is None, "the attempt before does not count"
    interrupted(sent)
    sent.told = True
    assert not read_result(entry, sent.exit(0), Environment(), saved_step).lost

    sent = dispatch.sent(job)
    interrupted(sent)
    time.sleep(CLOCK_SECONDS)
    entry.cancel()
    assert not read_result(entry, sent.exit(0), Environment(), saved_step).lost


def test_one_whose_machine_went_before_it_began_has_no_attempt_to_end(dispatch: Dispatch, job: Job):
    result = read_result(job.entry(dispatch.store), dispatch.sent(job).exit(-9, "gone"), Environment(), saved_step)
    assert (result.lost, result.cause, result.reason) == (True, "gone", FailureReason.killed)
    assert not job.entry(dispatch.store).begun
