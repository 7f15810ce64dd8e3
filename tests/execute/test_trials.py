"""Cells of a tuned grid, as the results in a store call for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.analysis import read_study
from ablate.execute.jobs import jobs
from ablate.execute.plan import Plan
from ablate.execute.planning import load_plan
from ablate.execute.stages import drop_states, run_stages
from ablate.execute.trials import Stage, staged
from ablate.records import PlannedCell, Status
from ablate.store import Store
from tests.made import made_result

GRID = """
schema = 1
name = "tuned"
[base]
preset = "tiny"
train.steps = 8
train.warmup_steps = 2
[base.data]
source = "folder"
train = "train"
test = "test"
validation = "validation"
[axes]
"loss.adversarial" = ["vanilla", "hinge"]
[seeds]
values = [0, 1]
[compare]
primary = ["psnr"]
[tune]
trials = 4
rungs = [0.5, 1.0]
over = ["loss.lambda_x"]
"""
STOPS = 4


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for name in ("train/a.png", "train/b.png", "test/c.png", "validation/d.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (96, 96, 3), dtype=np.uint8)).save(tmp_path / "images" / name)
    path = tmp_path / "images" / "grid.toml"
    path.write_text(GRID)
    return path


@pytest.fixture
def plan(grid: Path, tmp_path: Path) -> Plan:
    return load_plan(grid, tmp_path / "runs")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs", "tuned")


def finish(store: Store, point: PlannedCell, psnr: float | None = None) -> None:
    """Commits a cell: with a figure on the validation images, or as diverged."""
    entry = store.cell(point.id)
    facts = {"status": "diverged", "cause": "loss is nan"} if psnr is None else {}
    figures = {} if psnr is None else {"psnr@validation": psnr, "psnr": -psnr}
    entry.path.mkdir(parents=True, exist_ok=True)
    entry.checkpoint.touch()
    entry.commit(made_result(entry, metrics={"ema": figures}, protocol={key: {} for key in figures}, **facts))


def trials(stage: Stage, arm: str, steps: int) -> list[PlannedCell]:
    return [p for p in stage.record.points if p.label.startswith(f"adversarial={arm} trial=") and p.steps == steps]


def finals(stage: Stage) -> list[str]:
    return [point.label for point in stage.record.points if point.part == "final"]


Score = Callable[[str, int], float | None]


def run_through(plan: Plan, store: Store, score: Score) -> Iterator[Stage]:
    """Finishes what a stage has, again and again; a score is that of an arm's trial, whatever the rung."""
    stage = staged(plan.record, store)
    while True:
        yield stage
        for point in stage.record.points:
            if store.cell(point.id).result() is None:
                number = int(point.label.split("trial=")[1].split()[0]) if point.part == "trial" else 0
                finish(store, point, score(point.label.split()[0].split("=")[1], number))
        after = staged(stage.record, store)
        if len(after.record.points) == len(stage.record.points):
            return
        stage = after


def test_a_plan_begins_with_the_design_and_the_first_rung_of_every_arm(plan: Plan):
    design = [point for point in plan.points if point.part == "design"]
    first = [point for point in plan.points if point.part == "trial"]
    assert [point.label for point in design][:2] == ["adversarial=vanilla seed=0", "adversarial=hinge seed=0"]
    assert [point.label for point in first] == [
        f"adversarial={arm} trial={number} steps={STOPS} seed=2" for arm in ("vanilla", "hinge") for number in range(4)
    ]
    assert {point.seed for point in design}.isdisjoint(point.seed for point in first)
    assert {point.cell["train"]["stop_at"] for point in first} == {STOPS}
    assert {point.cell["train"]["steps"] for point in first} == {8}
    assert len({point.id for point in plan.points}) == len(plan.points)
    assert {point.warmup for point in plan.points} == {*plan.warmups}


def test_trials_go_on_from_their_own_state_and_the_winner_is_trained_on_the_judging_seeds(plan: Plan, store: Store):
    begin, second, last = run_through(plan, store, lambda arm, number: {"vanilla": 1, "hinge": -1}[arm] * number)
    assert len(begin.to_come) == 2 * (2 + 2), "two trials an arm go on, and two seeds judge"
    assert [point.label.split()[1] for point in trials(second, "vanilla", 8)] == ["trial=2", "trial=3"]
    assert [point.label.split()[1] for point in trials(second, "hinge", 8)] == ["trial=0", "trial=1"]
    for point in trials(second, "hinge", 8):
        before = next(each for each in begin.record.points if each.id == point.follows)
        assert before.cell["loss"] == point.cell["loss"]
        assert (before.steps, point.begins, point.cell["train"]["stop_at"]) == (STOPS, STOPS, None)
    assert finals(second) == []
    assert len(second.to_come) == 4
    assert finals(last) == [
        "adversarial=vanilla tuned seed=0", "adversarial=vanilla tuned seed=1",
        "adversarial=hinge tuned seed=0", "adversarial=hinge tuned seed=1",
    ]  # fmt: skip
    chosen = next(point for point in last.record.points if point.label == "adversarial=vanilla tuned seed=1")
    assert chosen.cell["loss"]["lambda_x"] == plan.record.tune.arms[0].trials[3]["loss.lambda_x"]
    assert chosen.axes == {"loss.adversarial": "vanilla"}
    assert last.to_come == ()
    assert [arm.winner for arm in last.tuning.arms] == [3, 0]
    assert last.tuning.arms[0].why == "the highest psnr@validation (3) among 2 of 4 trials that came to step 8"
    assert [trial.rank for trial in last.tuning.arms[0].trials] == [4, 3, 2, 1]
    assert [trial.ended for trial in last.tuning.arms[0].trials] == ["stopped", "stopped", "stopped", "chosen"]


def test_an_arm_is_chosen_for_only_when_all_its_trials_are_over_and_measured(plan: Plan, store: Store):
    stage = staged(plan.record, store)
    *others, late = trials(stage, "vanilla", STOPS)
    for number, point in enumerate(others):
        finish(store, point, float(number))
    assert trials(staged(stage.record, store), "vanilla", 8) == []
    late_entry = store.cell(late.id)
    late_entry.commit(made_result(late_entry, metrics={"ema": {"psnr": 99.0}}, protocol={"psnr": {}}))
    unmeasured = staged(stage.record, store)
    assert trials(unmeasured, "vanilla", 8) == [], "its figure on the test images is none to choose by"
    assert unmeasured.tuning.arms[0].why == "its trials are not over"


def test_what_diverged_is_ranked_last_and_counted(plan: Plan, store: Store):
    *_, last = run_through(plan, store, lambda _arm, number: None if number == 3 else float(number))
    arm = last.tuning.arms[0]
    assert (arm.winner, arm.diverged) == (2, 1)
    assert (arm.trials[3].rank, arm.trials[3].ended, arm.trials[3].scores) == (4, "diverged", (None,))
    assert arm.why.endswith("; 1 diverged, ranked last")


def test_an_arm_without_a_trial_left_has_no_final_and_says_so(plan: Plan, store: Store):
    *_, last = run_through(plan, store, lambda arm, number: None if arm == "hinge" else float(number))
    assert finals(last) == ["adversarial=vanilla tuned seed=0", "adversarial=vanilla tuned seed=1"]
    assert last.tuning.complete
    assert last.tuning.arms[1].why == "no trial is left to win; 4 diverged, ranked last"


def test_the_same_cells_and_winners_follow_from_the_same_results(plan: Plan, store: Store, tmp_path: Path):
    other = Store(tmp_path / "elsewhere", "tuned")

    def score(_arm: str, number: int) -> float:
        return float(number % 3)

    *_, one = run_through(plan, store, score)
    *_, again = run_through(plan, other, score)
    assert one.tuning == again.tuning
    assert one.record.points == again.record.points
    assert one.tuning.arms[0].ties == 0
    assert staged(plan.record, store).record.points == one.record.points, "all at once as one after the other"


def test_states_are_kept_for_trials_that_go_on_and_dropped_for_the_others(plan: Plan, store: Store):
    for stage in run_through(plan, store, lambda _arm, number: float(number)):
        drop_states(stage.tuning, store)
        kept = {
            point.label.split()[1]
            for point in trials(stage, "vanilla", STOPS)
            if store.cell(point.id).checkpoint.exists()
        }
        going_on = trials(stage, "vanilla", 8)
        waiting = {point.label.split()[1] for point in going_on if store.cell(point.id).result() is None}
        assert kept == waiting
    assert kept == set()


def test_a_run_comes_to_its_end_stage_by_stage_and_writes_down_what_was_chosen(plan: Plan, store: Store):
    seen: list[tuple[int, int]] = []
    said: list[str] = []

    def train(stage: Plan, to_come) -> int:
        left = [job for job in jobs(stage, store) if job.kind == "cell" and not job.entry(store).status().finished]
        seen.append((len(left), len(to_come)))
        stage.write(store)
        for point in stage.points:
            if store.cell(point.id).status() is Status.pending:
                finish(store, point, float(int(point.id, 16) % 97))
        return 0

    code, after = run_stages(plan, store, train=train, measure=lambda *_: 0, say=said.append)
    assert (code, seen) == (0, [(4 + 8, 8), (4, 4), (4, 0)])
    assert store.tuning().arms == staged(after.record, store).tuning.arms
    assert said[0] == "trials were compared by psnr@validation; 4 more cells follow"
    assert said[1].startswith("chosen by psnr@validation: adversarial=vanilla has trial ")
    assert {cell.part for cell in store.cell_records(store.plan())} == {"design", "trial", "final"}


def test_a_run_that_is_stopped_goes_on_with_the_stage_that_its_results_call_for(plan: Plan, store: Store, grid: Path):
    plan.write(store)
    for number, point in enumerate(point for point in plan.points if point.part == "trial"):
        finish(store, point, float(number))
    stage = staged(load_plan(grid, store.root).record, store)
    assert len(trials(stage, "vanilla", 8)) == 2
    codes = iter([130])
    code, after = run_stages(plan, store, train=lambda *_: next(codes), measure=lambda *_: 0, say=print)
    assert code == 130
    assert after.record.points == stage.record.points


def test_an_arm_that_has_its_winners_values_already_is_its_own_winner(grid: Path, tmp_path: Path):
    grid.write_text(
        GRID.replace('over = ["loss.lambda_x"]', 'over = ["loss.adversarial.*"]').replace("vanilla", "lsgan")
    )
    plan, store = load_plan(grid, tmp_path / "runs"), Store(tmp_path / "runs", "tuned")
    *_, last = run_through(plan, store, lambda _arm, number: float(number))
    assert finals(last) == ["adversarial=lsgan tuned seed=0", "adversarial=lsgan tuned seed=1"]
    assert [(arm.arm, arm.own) for arm in last.tuning.arms] == [
        ("adversarial=lsgan", False),
        ("adversarial=hinge", True),
    ]
    assert "adversarial=hinge tuned is its untuned arm: the winner has the same values" in last.record.notes
    store.write_plan(last.record)
    store.write_tuning(last.tuning)
    study = read_study(store)
    assert study.axes[0].levels == ("lsgan", "hinge")
    assert {arm.name for arm in study.arms if study.on_axes(arm)} == {"adversarial=lsgan tuned", "adversarial=hinge"}
