import json
import os
import signal
from pathlib import Path

import pytest

from ablate.execute.executor import ProcessExit
from ablate.execute.result import read_result as of_process
from ablate.execute.worker import BUSY, DISK_FULL
from ablate.records import Environment, FailureReason, MetricRow, Status
from ablate.store import Entry
from tests.execute.pretend import saved_step
from tests.made import made_result


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return Entry(tmp_path / "cell")


def read_result(entry: Entry, process: ProcessExit, environment: Environment):
    return of_process(entry, process, environment, saved_step)


def exited(exitcode: int, **more) -> ProcessExit:
    return ProcessExit(os.getpid(), exitcode, 1.5, **more)


def test_a_committed_result_counts_however_its_process_died(entry: Entry):
    entry.commit(made_result(entry, step=7, seconds=3.0))
    result = read_result(entry, exited(-signal.SIGKILL), Environment())
    assert (result.status, result.step, result.seconds) == ("done", 7, 3.0)


def test_a_worker_that_said_how_it_ended_is_taken_at_its_word(entry: Entry):
    with entry.claim():
        entry.begin_attempt(Environment()).finish(Status.interrupted, 5, 2.0, error="told to stop")
    result = read_result(entry, exited(-signal.SIGKILL), Environment())
    assert (result.status, result.step, result.seconds, result.cause) == ("interrupted", 5, 2.0, "told to stop")


def test_a_killed_worker_gets_the_exit_record_it_could_not_write(entry: Entry):
    with entry.claim():
        entry.begin_attempt(Environment())
        entry.append_metrics(MetricRow(step=40, attempt=1))
    result = read_result(entry, exited(-signal.SIGKILL), Environment())
    assert (result.status, result.step) == ("failed", 40)
    assert "memory" in result.cause
    assert entry.attempts()[0].exit().error == result.cause


def test_a_worker_that_died_before_it_began_is_a_failed_attempt_with_its_environment(entry: Entry):
    result = read_result(entry, exited(1), Environment(threads=1))
    assert result.status == "failed"
    assert entry.attempts()[0].environment() == Environment(threads=1)
    assert entry.attempts()[0].exit().step == 0


def test_the_attempt_of_another_process_is_left_alone(entry: Entry):
    with entry.claim():
        entry.begin_attempt(Environment())
        result = read_result(entry, ProcessExit(os.getpid() + 1, -signal.SIGKILL, 1.0), Environment())
    assert result.status == "failed"
    assert [attempt.exit() for attempt in entry.attempts()] == [None]


@pytest.mark.parametrize("other", ["process", "host"])
def test_what_another_left_unfinished_is_not_taken_for_the_workers_own(entry: Entry, other: str):
    with entry.claim():
        entry.begin_attempt(Environment())
        entry.append_metrics(MetricRow(step=40, attempt=1))
    its_own = {"pid": os.getpid() + 1} if other == "process" else {"pid": os.getpid(), "host": "elsewhere"}
    result = read_result(entry, ProcessExit(exitcode=-signal.SIGKILL, seconds=1.0, **its_own), Environment())
    assert (result.status, result.step) == ("failed", 0)
    first, second = (attempt.exit() for attempt in entry.attempts())
    assert first is None
    assert second.error == result.cause


@pytest.mark.parametrize("saved", [0, 30])
def test_one_that_was_killed_before_it_saved_is_interrupted_at_the_step_that_it_goes_on_from(entry: Entry, saved: int):
    with entry.claim():
        entry.begin_attempt(Environment())
        entry.append_metrics(MetricRow(step=40, attempt=1))
        if saved:
            entry.checkpoint.write_text(json.dumps({"step": saved}))
    result = read_result(entry, exited(-signal.SIGKILL, wanted=True), Environment())
    assert (result.status, result.step, result.reason) == ("interrupted", saved, FailureReason.killed)
    assert f"goes on from step {saved}" in result.cause
    ended = entry.attempts()[0].exit()
    assert (ended.status, ended.step, ended.error) == ("interrupted", saved, result.cause)


def test_busy_and_a_full_disk_are_told_by_the_exit_status(entry: Entry):
    assert read_result(entry, exited(BUSY), Environment()).reason is FailureReason.busy
    assert entry.attempts() == ()
    assert read_result(entry, exited(DISK_FULL), Environment()).reason is FailureReason.disk_full


def test_a_disk_that_takes_no_exit_record_is_said_and_does_not_end_the_runner(entry: Entry, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ablate.store.attempt.write", full)
    assert "No space left" in read_result(entry, exited(DISK_FULL), Environment()).cause
