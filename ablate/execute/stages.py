"""Runs a plan in stages: design and first trials, then the trials that go on, then the winners on the judging seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ablate.execute.jobs import Job, cell_job
from ablate.execute.measuring import Wish, measurements
from ablate.execute.plan import Plan
from ablate.execute.runner import INCOMPLETE, OK
from ablate.execute.trials import staged
from ablate.records import TuningRecord
from ablate.store import Store, checkpoint

Train = Callable[[Plan, Sequence[Job]], int]
"""Trains what a plan has, with stand-ins of what will come after it, and returns the exit code of the run."""
Measure = Callable[[Plan, Sequence[Job]], int]
"""Measures, and returns the exit code."""


def run_stages(
    plan: Plan, store: Store, *, train: Train, measure: Measure, say: Callable[[str], None], once: bool = False
) -> tuple[int, Plan]:
    """Trains a plan and all that follows from its results; returns the exit code and the plan as it is then.

    A grid that tunes nothing is trained as it stands. Where several runners share a store each comes to the same
    stages, and waits for what another one is at. `once` ends after one stage.
    """
    while True:
        stage = staged(plan.record, store)
        plan = replace(plan, record=stage.record)
        code = train(plan, [cell_job(point, plan.record.plugins) for point in stage.to_come])
        if plan.record.tune is None or code not in (OK, INCOMPLETE):
            return code, plan
        if todo := unmeasured_trials(plan, store):
            code = max(code, measure(plan, todo))
        after = staged(plan.record, store)
        assert after.tuning is not None, "the plan is tuned"
        store.write_tuning(after.tuning)
        drop_states(after.tuning, store)
        if once or len(after.record.points) == len(plan.points) or code not in (OK, INCOMPLETE):
            return code, plan
        say(_gone_on(after.tuning, len(after.record.points) - len(plan.points)))


def unmeasured_trials(plan: Plan, store: Store) -> tuple[Job, ...]:
    """Returns the measurements that choices wait for: the one figure, on the images that choose."""
    tune = plan.record.tune
    if tune is None:
        return ()
    return measurements(plan, store, wish=Wish((tune.metric,), (tune.select_on,), trials=True))


def drop_states(tuning: TuningRecord, store: Store) -> None:
    """Deletes the states of trials that nothing goes on from any more; those of large codecs take gigabytes."""
    for trial in (trial for arm in tuning.arms for trial in arm.trials):
        for rung, cells in enumerate(trial.cells):
            further = trial.cells[rung + 1] if rung + 1 < len(trial.cells) else None
            for place, cell in enumerate(cells):
                needed = trial.ended == "open" if further is None else store.cell(further[place]).result() is None
                if not needed:
                    checkpoint.drop(store.cell(cell))


def _gone_on(tuning: TuningRecord, more: int) -> str:
    chosen = [f"{arm.arm} has trial {arm.winner}" for arm in tuning.arms if arm.winner is not None]
    over = f"chosen by {tuning.figure}: {', '.join(chosen)}" if chosen else f"trials were compared by {tuning.figure}"
    return f"{over}; {more} more cells follow"
