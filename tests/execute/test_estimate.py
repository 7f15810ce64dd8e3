from dataclasses import replace
from pathlib import Path

import pytest

from ablate.execute.estimate import GUESSED_SECONDS_PER_STEP, Estimate
from ablate.execute.jobs import jobs
from ablate.execute.schedule import Schedule
from ablate.execute.snapshot import snapshot
from ablate.records import MetricRow, Result, Status
from ablate.store import Entry, Store
from tests.execute.pretend import make_plan
from tests.made import made_result


def finish(entry: Entry, seconds: float, step: int = 10, evaluation: float = 0.0) -> None:
    costs = {"train_seconds": seconds, "eval_seconds": evaluation, "seconds": seconds}
    entry.commit(made_result(entry, step=step, **costs))


def trained(seconds: float, step: int) -> Result:
    return Result(id="-", status=Status.done, step=step, seconds=seconds, train_seconds=seconds)


def wider(job, width: int):
    return replace(
        job,
        id=f"w{width}",
        planned=job.settings.model_copy(update={"cell": job.training | {"model": {"width": width}}}),
    )


def test_a_guess_is_marked_as_one_and_grows_with_the_size(tmp_path: Path):
    plan = make_plan("well", warmup=False)
    (job,) = jobs(plan, Store(tmp_path, plan.name))
    estimate = Estimate()
    assert not estimate.measured
    assert estimate.seconds(job) == pytest.approx(10 * GUESSED_SECONDS_PER_STEP * 16**2 / (8 * 64**2))
    assert estimate.seconds(wider(job, 32)) == pytest.approx(4 * estimate.seconds(job))


def test_finished_cells_of_its_shape_say_how_long_a_cell_takes(tmp_path: Path):
    plan = make_plan("well", "well", "well", warmup=False)
    store = Store(tmp_path, plan.name)
    finish(store.cell(plan.points[0].id), 20.0, evaluation=3.0)
    finish(store.cell(plan.points[1].id), 40.0, evaluation=5.0)
    estimate = Estimate.of_finished(plan, store)
    job = jobs(plan, store)[2]
    assert estimate.measured
    assert estimate.seconds(job) == pytest.approx(3.0 * 10 + 4.0)
    assert estimate.seconds(job, step=9) == pytest.approx(3.0 * 1 + 4.0)
    assert estimate.seconds(job, step=10) == pytest.approx(4.0), "the evaluation is still to come"
    estimate.learn(
        "cell",
        wider(job, 64).training,
        trained(1000.0, step=10),
    )
    assert estimate.seconds(job) == pytest.approx(34.0), "another shape says nothing about this one"


def test_a_warmup_is_not_evaluated_and_one_without_steps_says_nothing(tmp_path: Path):
    plan = make_plan("well")
    warmup, _ = jobs(plan, Store(tmp_path, plan.name))
    estimate = Estimate()
    guessed = estimate.seconds(warmup)
    estimate.learn("warmup", warmup.training, trained(0.0, step=0))
    assert estimate.seconds(warmup) == guessed
    estimate.learn("warmup", warmup.training, trained(5.0, step=10))
    assert estimate.seconds(warmup) == pytest.approx(0.5 * warmup.steps)
    assert not estimate.measured


def test_before_the_first_is_finished_those_under_way_are_looked_at(tmp_path: Path):
    plan = make_plan("well", warmup=False)
    (job,) = jobs(plan, Store(tmp_path, plan.name))
    estimate = Estimate()
    estimate.observe(job, steps_per_second=2.0)
    assert estimate.seconds(job) == pytest.approx(5.0)


def test_a_diverged_cell_says_nothing_about_time(tmp_path: Path):
    plan = make_plan("well", warmup=False)
    store = Store(tmp_path, plan.name)
    entry = store.cell(plan.points[0].id)
    entry.commit(made_result(entry, status="diverged", step=1, train_seconds=1e9))
    assert not Estimate.of_finished(plan, store).measured


def test_the_end_is_not_before_that_of_the_longest_cell(tmp_path: Path):
    plan = make_plan("well", "well", "well", warmup=False)
    store = Store(tmp_path, plan.name)
    finish(store.cell(plan.points[0].id), 10.0)
    schedule = Schedule(jobs(plan, store), store)
    estimate = Estimate.of_finished(plan, store)
    assert snapshot(schedule, store, estimate, workers=1).seconds_left == pytest.approx(20.0)
    assert snapshot(schedule, store, estimate, workers=8).seconds_left == pytest.approx(10.0)
    assert snapshot(schedule, store, estimate, workers=1).fraction == pytest.approx(1 / 3)


def test_a_cell_that_runs_in_another_process_is_shown_with_its_step_and_loss(tmp_path: Path):
    plan = make_plan("well", "well", warmup=False)
    store = Store(tmp_path, plan.name)
    schedule = Schedule(jobs(plan, store), store)
    entry = store.cell(plan.points[1].id)
    with entry.claim():
        entry.append_metrics(MetricRow(step=4, attempt=1, loss={"generator": 0.25}, steps_per_second=8.0))
        schedule.look()
        shown = snapshot(schedule, store, Estimate(), workers=1)
    (running,) = shown.running
    assert (running.label, running.step, running.loss, running.here) == ("well seed=1", 4, 0.25, False)
