"""Running a plan in this process, with trainings that are pretended."""

import errno
import os
import re
import signal
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest
import torch

from ablate.execute import finished as module
from ablate.execute import local
from ablate.execute.capacity import Capacity
from ablate.execute.executor import Executor, RunContext
from ablate.execute.jobs import jobs
from ablate.execute.local import LocalExecutor
from ablate.execute.runner import Limits
from ablate.execute.worker import UNUSABLE, Conditions, do_job
from ablate.records import Environment
from ablate.store import Status, Store
from tests.execute.pretend import Notes, make_plan, run_pretended


def entries(plan, root: Path):
    store = Store(root, plan.name)
    return [store.cell(point.id) for point in plan.points]


def statuses(plan, root: Path) -> list[str]:
    return [entry.status().value for entry in entries(plan, root)]


def test_all_cells_are_trained_once_after_their_one_warmup(tmp_path: Path):
    plan, notes = make_plan("well", "well", "well"), Notes()
    assert run_pretended(plan, tmp_path, notes) == 0
    assert statuses(plan, tmp_path) == ["done"] * 3
    assert notes.starts[0] == "warm-up"
    assert sorted(notes.starts) == sorted({*notes.starts})
    assert all(len(entry.attempts()) == 1 for entry in entries(plan, tmp_path))
    settings = entries(plan, tmp_path)[1].cell_settings()
    assert settings.label == "well seed=1"
    assert settings.cell == plan.points[1].cell


def test_a_fork_server_killed_while_a_worker_starts_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read, killed = forkserver.read_signed, []

    def killed_once(descriptor: int) -> int:
        if not killed:
            killed.append(forkserver._forkserver._forkserver_pid)
            os.kill(killed[0], signal.SIGKILL)
            raise EOFError("unexpected EOF")
        return read(descriptor)

    monkeypatch.setattr(forkserver, "read_signed", killed_once)
    plan = make_plan("well", "well")
    assert run_pretended(plan, tmp_path, Notes()) == 0
    assert killed
    assert statuses(plan, tmp_path) == ["done", "done"]


def test_a_fork_server_that_never_lives_long_enough_is_told_in_a_sentence(tmp_path: Path, monkeypatch):
    def killed(_descriptor: int) -> int:
        raise EOFError("unexpected EOF")

    monkeypatch.setattr(forkserver, "read_signed", killed)
    monkeypatch.setattr(local, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(ChildProcessError, match=r"again and again.*enough memory"):
        run_pretended(make_plan("well"), tmp_path, Notes())


def test_what_a_worker_prints_is_in_its_log_and_its_environment_is_recorded(tmp_path: Path, capfd):
    plan = make_plan("well", warmup=False)
    run_pretended(plan, tmp_path)
    (attempt,) = entries(plan, tmp_path)[0].attempts()
    assert attempt.log_tail(5) == ["at 0 of 10, well"]
    assert "at 0" not in capfd.readouterr().out
    assert attempt.environment().threads == 1
    assert attempt.exit().status == "done"


def on_a_gpu(context: RunContext) -> Executor:
    return LocalExecutor(context, Capacity("cuda", 1, 1, gpus=1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU is there")
def test_a_gpu_that_cannot_be_used_is_the_cells_recorded_failure(tmp_path: Path, capfd):
    plan = make_plan("well", warmup=False)
    assert run_pretended(plan, tmp_path, executor=on_a_gpu) == 3
    (attempt,) = entries(plan, tmp_path)[0].attempts()
    assert re.search("NVIDIA|CUDA", attempt.exit().error)
    assert "Traceback" in attempt.log_path.read_text()
    assert "Traceback" not in capfd.readouterr().err


def test_finished_cells_are_never_run_again_and_an_extended_grid_runs_only_what_is_new(tmp_path: Path):
    plan = make_plan("well", "diverge")
    assert run_pretended(plan, tmp_path) == 0
    assert statuses(plan, tmp_path) == ["done", "diverged"]
    longer, notes = make_plan("well", "diverge", "well"), Notes()
    assert run_pretended(longer, tmp_path, notes) == 0
    assert notes.starts == ["well seed=2"]
    again = Notes()
    assert run_pretended(longer, tmp_path, again) == 0
    assert again.starts == []


def test_a_failing_cell_stops_no_other_and_is_tried_again_by_the_next_run(tmp_path: Path):
    plan, notes = make_plan("raise:broken thing", "die", "exit", "well"), Notes()
    assert run_pretended(plan, tmp_path, notes) == 3
    assert statuses(plan, tmp_path) == ["failed", "failed", "failed", "done"]
    ends = [entry.attempts()[-1].exit() for entry in entries(plan, tmp_path)]
    assert ends[0].error == "ValueError: broken thing"
    assert "misbehave" in ends[0].traceback
    assert ends[0].step == 5
    assert "killed by SIGKILL" in ends[1].error
    assert "exit status 7" in ends[2].error
    assert [end.reason for end in ends[:3]] == ["error", "killed", "killed"]
    assert run_pretended(plan, tmp_path) == 0, "each goes on after the step at which it failed"
    assert [len(entry.attempts()) for entry in entries(plan, tmp_path)] == [2, 2, 2, 1]


def test_three_failures_in_a_row_for_one_reason_end_the_run_with_the_reason(tmp_path: Path):
    plan, notes = make_plan(*(f"raise:no file number {i}" for i in range(6)), "well"), Notes()
    assert run_pretended(plan, tmp_path, notes, workers=1) == 3
    assert len(notes.ends) == 4, "the warm-up and three cells"
    assert any("3 failures in a row" in text and "no file number" in text for text in notes.messages)
    assert statuses(plan, tmp_path).count("pending") == 4


@pytest.mark.parametrize(
    "behaviours", [("raise:a", "raise:b", "raise:a", "raise:b"), ("raise:a", "raise:a", "well", "raise:a", "raise:a")]
)
def test_failures_that_differ_or_are_not_in_a_row_end_nothing(tmp_path: Path, behaviours: tuple[str, ...]):
    plan, notes = make_plan(*behaviours, warmup=False, steps=2), Notes()
    assert run_pretended(plan, tmp_path, notes, workers=1) == 3
    assert len(notes.ends) == len(behaviours)


def test_a_full_disk_ends_the_run_with_a_sentence(tmp_path: Path):
    plan, notes = make_plan("full", *["well"] * 3, warmup=False), Notes()
    assert run_pretended(plan, tmp_path, notes, workers=1) == 3
    assert list(notes.ends) == ["full seed=0"]
    assert any("the disk is full" in text for text in notes.messages)


def test_a_full_disk_under_the_plan_is_an_error_and_leaves_no_torn_plan(tmp_path: Path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ablate.atomic.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        run_pretended(make_plan("well"), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_cell_that_outlives_its_timeout_fails_and_says_so(tmp_path: Path):
    plan = make_plan("well", warmup=False, steps=1000)
    limits = Limits(cell_timeout_seconds=0.2)
    assert run_pretended(plan, tmp_path, limits=limits) == 3
    (attempt,) = entries(plan, tmp_path)[0].attempts()
    assert attempt.exit().error == "timeout"
    assert 0 < attempt.exit().step < 1000


def test_a_cell_that_does_not_listen_is_killed_after_its_timeout(tmp_path: Path):
    plan = make_plan("deaf", warmup=False)
    limits = Limits(cell_timeout_seconds=0.2, grace_seconds=0.2)
    assert run_pretended(plan, tmp_path, limits=limits) == 3
    # On a slow machine it is killed before it could say that it began, and the runner begins an attempt for it.
    assert entries(plan, tmp_path)[0].last_attempt().exit().error == "timeout"


def test_the_end_of_the_budget_saves_every_cell_and_leaves_it_to_the_next_run(tmp_path: Path):
    plan, notes = make_plan("well", "well", "well", warmup=False, steps=300), Notes()
    assert run_pretended(plan, tmp_path, notes, limits=Limits(max_seconds=0.5)) == 3
    assert any("max_hours" in text for text in notes.messages)
    assert statuses(plan, tmp_path) == ["pending"] * 3
    exits = [entry.attempts()[0].exit().status for entry in entries(plan, tmp_path)[:2]]
    assert exits == ["interrupted"] * 2


def test_a_run_that_breaks_off_leaves_no_cell_training_behind_it(tmp_path: Path):
    class Closed(Notes):
        def on_tick(self, look) -> None:
            if any(each.step for each in look().running):
                raise BrokenPipeError

    plan = make_plan("wait", warmup=False)
    with pytest.raises(BrokenPipeError):
        run_pretended(plan, tmp_path, Closed())
    (entry,), until = entries(plan, tmp_path), time.monotonic() + 20
    while entry.status() is Status.running and time.monotonic() < until:
        time.sleep(0.05)
    assert entry.last_attempt().exit().status == "interrupted"


def test_only_wanted_cells_run_and_no_more_than_the_limit(tmp_path: Path):
    plan, notes = make_plan("well", "diverge", "well", "well"), Notes()
    assert run_pretended(plan, tmp_path, notes, wanted=lambda cell: "well" in cell.label, limit=2) == 0
    assert notes.starts == ["warm-up", "well seed=0", "well seed=2"]
    assert statuses(plan, tmp_path) == ["done", "pending", "done", "pending"]


def test_cells_whose_warmup_failed_are_not_started(tmp_path: Path):
    plan, notes = make_plan("well", "well"), Notes()
    plan.warmups["aaaabbbbcccc"].warmup["behaviour"] = "raise:no start"
    assert run_pretended(plan, tmp_path, notes) == 3
    assert notes.starts == ["warm-up"]
    assert statuses(plan, tmp_path) == ["pending", "pending"]


def test_how_an_attempt_ended_is_no_matter_for_the_next_one_where_it_cannot_be_read(tmp_path: Path):
    plan = make_plan("raise:no such colour", warmup=False)
    assert run_pretended(plan, tmp_path) == 3
    (entry,) = entries(plan, tmp_path)
    (entry.last_attempt().path / "exit.json").write_text("{")
    assert entry.status() is Status.pending
    run_pretended(plan, tmp_path)
    assert [attempt.number for attempt in entry.attempts()] == [1, 2]
    assert entry.last_attempt().exit() is not None


def test_a_cell_whose_records_are_damaged_is_named_with_its_remedy_and_stops_no_other(tmp_path: Path):
    plan = make_plan("well", "well", "well", warmup=False)
    assert run_pretended(plan, tmp_path, limit=1) == 0
    damaged = entries(plan, tmp_path)[0].path / "result.json"
    damaged.write_text("{}")
    notes, again = Notes(), Notes()
    assert run_pretended(plan, tmp_path, notes) == 3
    assert statuses(plan, tmp_path) == ["broken", "done", "done"]
    (said,) = [text for text in notes.messages if text.startswith("broken: well seed=0: ")]
    assert str(damaged) in said
    assert "delete the entry's directory" in said
    assert run_pretended(plan, tmp_path, again) == 3
    assert "nothing to do: every cell is finished or damaged" in again.messages
    assert damaged.read_text() == "{}"


def test_a_damaged_warmup_is_trained_anew_where_a_cell_still_needs_it_and_that_is_told(tmp_path: Path):
    plan, notes, again = make_plan("well", "well"), Notes(), Notes()
    warmup = Store(tmp_path, plan.name).warmup("aaaabbbbcccc")
    assert run_pretended(plan, tmp_path, limit=1) == 0
    path = warmup.path / "result.json"
    path.write_text(path.read_text().replace('"step": 10', '"step": 11'))
    assert warmup.status() is Status.altered
    assert run_pretended(plan, tmp_path, notes) == 0
    assert any(f"warm-up: {path} is edited" in message for message in notes.messages)
    assert [event.kind for event in warmup.events()] == ["made_anew"]
    assert (len(warmup.attempts()), warmup.result().step) == (2, 10)
    path.write_text(path.read_text().replace('"step": 10', '"step": 11'))
    assert run_pretended(plan, tmp_path, again) == 0, "no cell needs it any more"
    assert len(warmup.attempts()) == 2


def test_a_cell_of_another_user_is_named_and_stops_no_other(tmp_path: Path, monkeypatch):
    plan, notes = make_plan("well", "well", warmup=False), Notes()
    foreign = entries(plan, tmp_path)[0].path
    foreign.mkdir(parents=True)
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, *how, **more: path != foreign and may(path, *how, **more))
    assert run_pretended(plan, tmp_path, notes) == 3
    assert notes.starts == ["well seed=1"]
    (said,) = [text for text in notes.messages if text.startswith("broken: well seed=0: ")]
    assert f"{foreign}: " in said
    assert f"belongs to {foreign.owner()}" in said


def test_a_cell_whose_files_cannot_be_written_says_which_in_a_sentence_and_stops_no_other(tmp_path: Path, capsys):
    plan, notes = make_plan("well", "well", warmup=False), Notes()
    taken = entries(plan, tmp_path)[0].path / "attempts"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where a directory belongs")
    assert run_pretended(plan, tmp_path, notes) == 3
    assert statuses(plan, tmp_path)[1] == "done"
    store = Store(tmp_path, plan.name)
    conditions = Conditions("cpu", 1, None, Environment(), kernels="eager")
    assert do_job(pytest.fail, jobs(plan, store)[0], store, conditions, lambda: False) == UNUSABLE
    assert capsys.readouterr().err.startswith(f"well seed=0: [Errno {errno.ENOTDIR}] Not a directory: '{taken}")


def test_a_cell_that_is_cancelled_before_its_process_begins_is_left_out_and_the_run_ends(tmp_path: Path):
    plan, notes = make_plan("well", "well", warmup=False), Notes()
    first, _ = entries(plan, tmp_path)

    class Queued(LocalExecutor):
        def _conditions(self, slot: int) -> Conditions:
            made = super()._conditions(slot)
            if not first.path.exists():
                time.sleep(0.05)  # the times of files are coarse
                first.cancel()
            return made

    assert run_pretended(plan, tmp_path, notes, workers=1, executor=Queued) == 3
    assert statuses(plan, tmp_path) == ["pending", "done"]
    assert not first.attempts()
    assert run_pretended(plan, tmp_path) == 0


def test_a_cell_whose_directory_is_a_link_to_itself_is_named_and_stops_no_other(tmp_path: Path):
    plan, notes = make_plan("well", "well", "well", warmup=False), Notes()
    first, second, _ = (entry.path for entry in entries(plan, tmp_path))
    first.parent.mkdir(parents=True)
    first.symlink_to(first)
    second.mkdir()
    (second / "attempts").symlink_to(second / "attempts")
    assert run_pretended(plan, tmp_path, notes) == 3
    assert statuses(plan, tmp_path) == ["broken", "broken", "done"]
    for path in (first, second):
        assert any(f"{path}" in text and "Too many levels" in text for text in notes.messages), path


@pytest.mark.parametrize("reason", [errno.ENOLCK, None], ids=["nobody", "everybody"])
def test_a_file_system_without_locks_is_said_once_and_leases_take_their_place(tmp_path: Path, monkeypatch, reason):
    def flock(*_: object) -> None:
        if reason:
            raise OSError(reason, os.strerror(reason))

    # The workers' file system has locks, and respects the leases of one that has none.
    monkeypatch.setattr("ablate.store.lock.fcntl.flock", flock)
    plan, notes = make_plan("well", "well", warmup=False), Notes()
    held = entries(plan, tmp_path)[0]
    with held.claim():
        assert run_pretended(plan, tmp_path, notes, wait=False) == 75
    assert notes.starts == ["well seed=1"]
    (said,) = [text for text in notes.messages if "lease files" in text]
    assert said.startswith(f"the file system of {tmp_path} grants")
    assert run_pretended(plan, tmp_path) == 0


def test_a_cell_held_by_another_process_is_left_to_it(tmp_path: Path):
    plan, notes = make_plan("well", "well", warmup=False), Notes()
    held = entries(plan, tmp_path)[0]
    with held.claim():
        assert run_pretended(plan, tmp_path, notes, wait=False) == 75
    assert notes.starts == ["well seed=1"]
    assert "another process" in notes.messages[-1]


def test_finished_cells_of_other_code_are_warned_about_and_kept(tmp_path: Path, monkeypatch):
    plan = make_plan("well", warmup=False)
    run_pretended(plan, tmp_path)
    monkeypatch.setattr(module, "code_fingerprint", lambda: "feedfeedfeed")
    notes = Notes()
    assert run_pretended(plan, tmp_path, notes) == 0
    assert "other code" in notes.messages[0]
    assert "feedfeedfeed" in notes.messages[0]
    assert notes.starts == []


def test_cells_trained_with_other_threads_are_warned_about_where_some_are_left(tmp_path: Path):
    run_pretended(make_plan("well", warmup=False), tmp_path)
    longer, notes = make_plan("well", "well", warmup=False), Notes()
    assert run_pretended(longer, tmp_path, notes, threads=3) == 0
    assert any("trained with --threads 1 (now 3)" in text for text in notes.messages)
    again = Notes()
    assert run_pretended(make_plan("well", "well", "well", warmup=False), tmp_path, again, threads=3) == 0
    assert any("trained with --threads 1 (now 3)" in text for text in again.messages)
    alike = Notes()
    assert run_pretended(make_plan("diverge", "diverge", warmup=False), tmp_path / "alike", alike) == 0
    assert not any("--threads 1" in text for text in alike.messages)


def test_idle_cores_are_spoken_of_before_the_first_cell_and_not_after(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ablate.execute.capacity.cores", lambda: 8)
    first, second = Notes(), Notes()
    run_pretended(make_plan("well", warmup=False), tmp_path, first)
    run_pretended(make_plan("well", "well", warmup=False), tmp_path, second)
    assert ["cores stay idle" in " ".join(notes.messages) for notes in (first, second)] == [True, False]
