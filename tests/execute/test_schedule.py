from pathlib import Path
from types import SimpleNamespace

import pytest

from ablate.execute.jobs import jobs
from ablate.execute.result import JobResult
from ablate.execute.schedule import Schedule
from ablate.records import Environment, FailureReason, Status
from ablate.store import Store
from tests.execute.pretend import make_plan
from tests.made import made_result


def schedule_of(root: Path, *behaviours: str, max_alike: int = 3, **options) -> tuple[Schedule, Store]:
    plan = make_plan(*behaviours, **options)
    store = Store(root, plan.name)
    schedule = Schedule(jobs(plan, store), store, max_alike)
    return schedule, store


def finish(schedule: Schedule, store: Store, job) -> None:
    job.entry(store).commit(made_result(job.entry(store), step=job.steps))
    schedule.ended(job, JobResult(Status.done, step=job.steps))


def test_cells_wait_for_their_warmup_and_then_come_in_the_order_of_the_plan(tmp_path: Path):
    schedule, store = schedule_of(tmp_path, "well", "well")
    warmup = schedule.next()
    assert warmup.kind == "warmup"
    schedule.started(warmup)
    assert schedule.next() is None
    assert schedule.left
    finish(schedule, store, warmup)
    assert schedule.left
    first = schedule.next()
    assert (first.kind, first.label) == ("cell", "well seed=0")
    schedule.started(first)
    assert schedule.next().label == "well seed=1"


def kinds(plan, store: Store) -> list[str]:
    return [job.kind for job in jobs(plan, store)]


def test_a_warmup_that_no_unfinished_cell_needs_is_no_job(tmp_path: Path):
    plan = make_plan("well", "well")
    store = Store(tmp_path, plan.name)
    assert kinds(plan, store) == ["warmup", "cell", "cell"]
    for point in plan.points:
        store.cell(point.id).commit(made_result(store.cell(point.id)))
    assert kinds(plan, store) == ["cell", "cell"]


def test_a_finished_warmup_is_no_job_and_its_cells_may_start(tmp_path: Path):
    plan = make_plan("well", "well")
    store = Store(tmp_path, plan.name)
    store.warmup("aaaabbbbcccc").write_settings(plan.warmups["aaaabbbbcccc"])
    store.warmup("aaaabbbbcccc").commit(made_result(store.warmup("aaaabbbbcccc")))
    assert kinds(plan, store) == ["cell", "cell"]
    assert Schedule(jobs(plan, store), store).next().label == "well seed=0"


def test_what_another_process_holds_is_passed_over_and_looked_at_again(tmp_path: Path):
    schedule, store = schedule_of(tmp_path, "well", "well", warmup=False)
    first, second = schedule.jobs
    with first.entry(store).claim():
        assert schedule.next() == second
        assert (schedule.statuses[first.id], schedule.here) == (Status.running, set())
        finish(schedule, store, second)
        assert schedule.next() is None
        assert schedule.left
    assert schedule.next() == first, "its holder was killed"


def test_what_another_process_finished_is_finished_here(tmp_path: Path):
    schedule, store = schedule_of(tmp_path, "well", warmup=False)
    (job,) = schedule.jobs
    with job.entry(store).claim():
        assert schedule.next() is None
        job.entry(store).commit(made_result(job.entry(store), status="diverged", step=1))
    assert schedule.next() is None
    assert schedule.complete
    assert not schedule.left


@pytest.mark.parametrize(("costs", "unnoticed"), [(0.0, 1.0), (0.1, 5.0)])
def test_looks_are_a_second_apart_or_longer_where_they_cost_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, costs: float, unnoticed: float
):
    schedule, store = schedule_of(tmp_path, "well", warmup=False)
    (job,) = schedule.jobs
    clock = iter([100.0, 100.0 + costs, 99.9 + costs + unnoticed, 100.1 + costs + unnoticed, 200.0])
    monkeypatch.setattr("ablate.execute.schedule.time", SimpleNamespace(monotonic=lambda: next(clock)))
    schedule.look()
    job.entry(store).commit(made_result(job.entry(store), step=job.steps))
    schedule.look()
    assert schedule.statuses[job.id] is Status.pending
    schedule.look()
    assert schedule.statuses[job.id] is Status.done


def test_what_another_process_tried_and_failed_now_is_not_tried_here(tmp_path: Path):
    schedule, store = schedule_of(tmp_path, "well", warmup=False)
    (job,) = schedule.jobs
    with job.entry(store).claim():
        schedule.next()
        job.entry(store).begin_attempt(Environment()).finish(Status.failed, 1, 0.1, error="no")
    assert schedule.next() is None
    assert not schedule.left
    assert not schedule.complete


def test_a_worker_that_found_its_entry_held_has_not_failed(tmp_path: Path):
    schedule, store = schedule_of(tmp_path, "well", warmup=False)
    (job,) = schedule.jobs
    schedule.started(job)
    with job.entry(store).claim():
        schedule.ended(job, JobResult(Status.running, FailureReason.busy))
        assert schedule.left
    assert schedule.next() == job


def test_cells_of_a_failed_warmup_are_not_left(tmp_path: Path):
    schedule, _ = schedule_of(tmp_path, "well", "well")
    schedule.ended(schedule.jobs[0], JobResult(Status.failed, cause="no"))
    assert schedule.next() is None
    assert not schedule.left


@pytest.mark.parametrize(
    ("causes", "broken"),
    [
        (["OSError: no file 1", "OSError: no file 2", "OSError: no file 33"], True),
        (["OSError: no file 1", "ValueError: no", "OSError: no file 2"], False),
        (["OSError: no", "OSError: no", None, "OSError: no"], False),
        (["OSError: no", "OSError: no"], False),
    ],
)
def test_failures_are_alike_when_only_their_numbers_differ(tmp_path: Path, causes: list, broken: bool):
    schedule, _ = schedule_of(tmp_path, *["well"] * len(causes), warmup=False)
    for job, cause in zip(schedule.jobs, causes, strict=True):
        schedule.ended(job, JobResult(Status.failed, cause=cause) if cause else JobResult(Status.done))
    assert bool(schedule.stopped_by) is broken


def test_how_many_failures_in_a_row_are_too_many_is_a_setting(tmp_path: Path):
    schedule, _ = schedule_of(tmp_path, "well", "well", warmup=False, max_alike=1)
    schedule.ended(schedule.jobs[0], JobResult(Status.failed, cause="KeyError: 'x'"))
    assert "KeyError" in schedule.stopped_by
    assert schedule.next() is None
