"""Tuning as commands show it: what a grid plans, how far it is, and what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.execute import Plan
    from ablate.records import PlannedCell, PlannedTuning, TuningRecord

PARTS = {"design": "untuned", "trial": "trials", "final": "tuned"}
"""What the parts of a tuned grid are called in counts."""


def content(plan: Plan, to_come: Sequence[PlannedCell]) -> dict[str, Any] | None:
    """Returns what is tuned as plain data, with the training steps that trials take of all; None where nothing is."""
    tune = plan.record.tune
    if tune is None:
        return None
    # Of what is to come, cells of the design stand in for those that will judge.
    parts = [(point, point.part) for point in plan.points]
    parts += [(point, "final" if point.part == "design" else point.part) for point in to_come]
    steps = {part: sum(point.steps - point.begins for point, own in parts if own == part) for part in PARTS}
    return {
        **tune.plain(),
        "trials": tune.trials,
        "figure": tune.figure,
        "counts": [tune.count(rung) for rung in range(len(tune.rungs))],
        "steps": steps,
    }


def planned(plan: Plan, shown: dict[str, Any]) -> list[str]:
    """Says how the arms are tuned: trials, ranges, rungs, and what all that costs."""
    from ablate.cli.terminal import columns, plural

    tune = plan.record.tune
    assert tune is not None, "the plan is tuned"
    seeds = ", ".join(map(str, tune.seeds))
    better = f"the {'highest' if tune.direction == 'higher' else 'lowest'} {tune.figure}"
    lines = ["", f"tuning: {plural(tune.trials, 'trial')} for each of {plural(len(tune.arms), 'arm')} on seed {seeds}"]
    lines += [f"  {line}" for line in columns(("drawn by Sobol", "range", "arms"), _ranges(tune))]
    # The rungs with their steps, which arms of other lengths have others of.
    whole = {int(point.cell["train"]["steps"]) for point in plan.points}
    for rung in range(len(tune.rungs)):
        ends = " or ".join(str(tune.stops(rung, steps)) for steps in sorted(whole))
        count = tune.count(rung)
        verb = ("train" if rung == 0 else "go on") if count > 1 else "goes on"
        lines.append(f"  {count} of each {verb} to step {ends}, compared by {better}")
    judging = len({point.seed for point in plan.points if point.part == "design"})
    lines.append(f"  the first of these is trained again on {plural(judging, 'seed')} of its own and judged on test")
    total = sum(shown["steps"].values())
    share = shown["steps"].get("trial", 0) / total
    lines.append(f"  trials take {share:.0%} of {total} training steps; the untuned arms stand beside")
    return lines


def _ranges(tune: PlannedTuning) -> Iterable[tuple[str, str, str]]:
    from ablate.limits import Range

    found: dict[tuple[str, str], int] = {}
    for arm in tune.arms:
        for key, spec in arm.ranges.items():
            ((scale, (low, high)),) = spec.items()
            at = key, str(Range(low, high, scale))
            found[at] = found.get(at, 0) + 1
    return [(key, text, "all" if count == len(tune.arms) else str(count)) for (key, text), count in found.items()]


def counted_parts(tune: PlannedTuning | None, cells: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Counts the finished cells of each part, and all that there will be; nothing where a grid tunes nothing."""
    if tune is None:
        return {}
    judging = sum(cell["part"] == "design" for cell in cells)
    trials = sum(tune.count(rung) for rung in range(len(tune.rungs))) * len(tune.arms) * len(tune.seeds)
    totals = {"design": judging, "trial": trials, "final": judging}
    return {
        part: {
            "finished": sum(cell["part"] == part and cell["status"] in ("done", "diverged") for cell in cells),
            "most": total,
        }
        for part, total in totals.items()
    }


def progress(parts: dict[str, dict[str, int]]) -> list[str]:
    """Says how far each part of a tuned grid is, in a line."""
    told = [f"{PARTS[part]} {count['finished']}/{count['most']}" for part, count in parts.items()]
    return [" · ".join(told)] if told else []


def chosen(tuning: TuningRecord | None) -> list[str]:
    """Returns a table of what was chosen for each arm, and why."""
    from ablate.cli.terminal import columns, figure

    if tuning is None:
        return []
    keys = list(dict.fromkeys(key for arm in tuning.arms for trial in arm.trials for key in trial.values))
    rows = [
        (
            arm.arm,
            "–" if arm.winner is None else str(arm.winner),
            *(figure(arm.values.get(key)) for key in keys),
            arm.why,
        )
        for arm in tuning.arms
    ]
    return ["", *columns(("tuned arm", "trial", *keys, "why"), rows)]
