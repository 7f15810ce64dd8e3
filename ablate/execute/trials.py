"""The cells of tuning: trials as far as earlier ones are over, and the winners on the seeds that judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ablate.execute.halving import Halving, Score, halve, ranking
from ablate.records import (
    ArmChoice,
    PlannedCell,
    PlannedTuning,
    PlannedWarmup,
    PlanRecord,
    TrialRecord,
    TunedArm,
    TuningRecord,
)
from ablate.store import Store

if TYPE_CHECKING:
    from ablate.config import Cell

Ended = Literal["chosen", "stopped", "diverged", "unmeasured", "open"]


@dataclass(frozen=True)
class Stage:
    """A plan with the cells that the results so far call for, what was chosen, and what is still to come.

    `to_come` are stand-ins for cells whose values are not known yet: they cost what the real ones will.
    """

    record: PlanRecord
    tuning: TuningRecord | None = None
    to_come: tuple[PlannedCell, ...] = ()


def staged(record: PlanRecord, store: Store) -> Stage:
    """Returns a plan with its trials and finals as far as the results in the store decide them.

    A function of plan and results alone: whoever works on the store comes to the same cells, and to the same winners.
    A plan without tuning stays as it is.
    """
    if record.tune is None:
        return Stage(record)
    design = [point for point in record.points if point.part == "design"]
    names = record.arm_names
    arms: dict[str, list[PlannedCell]] = {}
    for point in design:
        if not point.replicate:
            arms.setdefault(names[point.id], []).append(point)
    trials: list[PlannedCell] = []
    finals: list[PlannedCell] = []
    to_come: list[PlannedCell] = []
    choices, notes = [], []
    for tuned in record.tune.arms:
        arm = _Arm(record.tune, tuned, arms[tuned.arm], store)
        halving = arm.halving()
        trials += arm.trials(halving)
        winners = _finals(arm, halving)
        own = bool(winners) and winners[0].id == arm.design[0].id
        choices.append(_choice(arm, halving, own))
        finals += [] if own else winners
        notes += [f"{tuned.arm} tuned is its untuned arm: the winner has the same values"] if own else []
        to_come += arm.to_come(halving)
    points, warmups = _distinct([*design, *trials, *finals]), dict(record.warmups)
    for point in points:
        if point.warmup is not None and point.warmup not in warmups:
            warmups[point.warmup] = _warmup_of(point)
    fresh = [note for note in notes if note not in record.notes]
    update = {"points": points, "warmups": warmups, "notes": [*record.notes, *fresh]}
    plain = {
        name: getattr(record.tune, name) for name in ("metric", "direction", "select_on", "rungs", "seeds", "draws")
    }
    return Stage(
        PlanRecord(**(dict(record) | update)),  # a copy would keep the names of the arms of before
        TuningRecord(schema_version=1, **plain, arms=tuple(choices)),
        tuple(to_come),
    )


@dataclass
class _Arm:
    """An arm with its trials and what became of their cells."""

    tuning: PlannedTuning
    tuned: TunedArm
    design: Sequence[PlannedCell]
    store: Store
    _made: dict[tuple[int, int, int], PlannedCell] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps of a whole training."""
        return int(self.design[0].cell["train"]["steps"])

    def cell(self, trial: int, rung: int, seed: int) -> PlannedCell:
        """Returns the cell of a trial in a rung, on a trial seed."""
        if (trial, rung, seed) not in self._made:
            self._made[trial, rung, seed] = self._cell(trial, rung, seed)
        return self._made[trial, rung, seed]

    def _cell(self, trial: int, rung: int, seed: int) -> PlannedCell:
        stop_at = self.tuning.stop_at(rung, self.steps)
        values = {**self.tuned.trials[trial], "train.stop_at": stop_at, "seed": seed, "replicate": 0}
        label = f"{self.tuned.arm} trial={trial} steps={self.tuning.stops(rung, self.steps)}"
        made = _planned(self.design[0], values, label, seed, part="trial")
        if not rung:
            return made
        before = self.cell(trial, rung - 1, seed)
        return made.model_copy(update={"follows": before.id, "begins": before.steps})

    def cells(self, trial: int, rung: int) -> list[PlannedCell]:
        """Returns the cells of a trial in a rung."""
        return [self.cell(trial, rung, seed) for seed in self.tuning.seeds]

    def halving(self) -> Halving:
        """Follows the trials as far as their cells are over."""
        scores: list[Mapping[int, Score | None]] = []
        while True:
            found = halve(self.tuning, scores)
            if found.complete or len(found.scores) < len(scores):
                return found
            scores.append({trial: self._score(trial, len(scores)) for trial in found.rungs[len(scores)]})

    def _score(self, trial: int, rung: int) -> Score | None:
        cells = []
        for point in self.cells(trial, rung):
            record = self.store.cell_record(point, self.store.grid, self.tuned.arm)
            figure = record.score(self.tuning.figure)
            measured = record.result is not None and self.tuning.figure in record.result.protocol
            if record.measured is not None and not measured:
                return None  # trained, and not measured on the validation images yet
            cells.append((record.status, float(figure) if figure is not None else None))
        return Score.of(cells)

    def trials(self, halving: Halving) -> Iterator[PlannedCell]:
        """Goes through the cells of the rungs that are decided."""
        for rung, trials in enumerate(halving.rungs):
            for trial in trials:
                yield from self.cells(trial, rung)

    def to_come(self, halving: Halving) -> Iterator[PlannedCell]:
        """Goes through stand-ins for the cells of later rungs, and for the finals."""
        if halving.complete:
            return
        for rung in range(len(halving.rungs), len(self.tuning.rungs)):
            for trial in range(self.tuning.count(rung)):
                yield from self.cells(trial, rung)
        yield from self.design


def _finals(arm: _Arm, halving: Halving) -> list[PlannedCell]:
    """Returns the winner's cells on the judging seeds, none before it is known."""
    if halving.winner is None:
        return []
    values, label = arm.tuned.trials[halving.winner], f"{arm.tuned.arm} tuned"
    return [_planned(point, values, label, point.seed, part="final") for point in arm.design]


def _planned(
    base: PlannedCell,
    values: Mapping[str, Any],
    label: str,
    seed: int,
    *,
    part: Literal["trial", "final"],
) -> PlannedCell:
    from ablate.config import changed

    cell: Cell = changed(base.cell, values)
    return PlannedCell(
        id=cell.id,
        sha256=cell.sha256,
        label=f"{label} seed={seed}",
        arm=label,
        axes=base.axes,
        seed=seed,
        warmup=cell.warmup.id if cell.warmup else None,
        cell=cell.model_dump(mode="json"),
        part=part,
    )


def _warmup_of(point: PlannedCell) -> PlannedWarmup:
    from ablate.config import Cell

    warmup = Cell.model_validate(point.cell).warmup
    assert warmup is not None, f"{point.label} names one"
    return PlannedWarmup.of(warmup)


def _distinct(points: Sequence[PlannedCell]) -> tuple[PlannedCell, ...]:
    """Drops trials that are the same cell as another: whole numbers leave few values to draw."""
    return tuple({point.id: point for point in reversed(points)}.values())[::-1]


def _choice(arm: _Arm, halving: Halving, own: bool) -> ArmChoice:
    """Writes down how an arm's trials ended, and why the winner won."""
    ranks = _ranks(halving, arm.tuning.direction)
    trials = [
        TrialRecord(
            number=trial,
            values=values,
            cells=tuple(
                tuple(point.id for point in arm.cells(trial, rung))
                for rung, trials in enumerate(halving.rungs)
                if trial in trials
            ),
            scores=tuple(scores[trial].value for scores in halving.scores if trial in scores),
            ended=_ended(halving, trial),
            rank=ranks.get(trial),
        )
        for trial, values in enumerate(arm.tuned.trials)
    ]
    return ArmChoice(
        arm=arm.tuned.arm,
        complete=halving.complete,
        winner=halving.winner,
        own=own,
        why=_why(arm, halving),
        ties=halving.ties,
        diverged=halving.bad("diverged"),
        unmeasured=halving.bad("unmeasured"),
        trials=tuple(trials),
    )


def _ended(halving: Halving, trial: int) -> Ended:
    rung, score = halving.ended(trial)
    if score is None:
        return "open"
    if score.bad is not None:
        return score.bad
    if trial == halving.winner:
        return "chosen"
    return "stopped" if rung + 1 < len(halving.rungs) or halving.complete else "open"


def _ranks(halving: Halving, direction: str) -> dict[int, int]:
    """Returns the rank of every trial of an arm whose trials are over: later rungs first, then scores, then the bad."""
    if not halving.complete:
        return {}
    good: list[int] = []
    bad: list[int] = []
    for scores in reversed(halving.scores):
        for trial in ranking(scores, direction):
            if trial not in good and trial not in bad:
                (good if scores[trial].bad is None else bad).append(trial)
    return {trial: rank for rank, trial in enumerate([*good, *bad], start=1)}


def _why(arm: _Arm, halving: Halving) -> str:
    tuning, figure = arm.tuning, arm.tuning.figure
    if not halving.complete:
        over = len(halving.scores)
        return f"{over} of {len(tuning.rungs)} rungs are over" if over else "its trials are not over"
    lost = [f"{count} {kind}" for kind in ("diverged", "unmeasured") if (count := halving.bad(kind))]
    aside = f"; {' and '.join(lost)}, ranked last" if lost else ""
    if halving.winner is None:
        return f"no trial is left to win{aside}"
    last = len(halving.scores) - 1
    score = halving.scores[last][halving.winner].value
    extreme = "highest" if tuning.direction == "higher" else "lowest"
    among = len(halving.rungs[last])
    tied = f"; {halving.ties} tied with it, and the lowest number wins" if halving.ties else ""
    step = tuning.stops(last, arm.steps)
    came = f"{among} of {tuning.trials} trials that came to step {step}"
    return f"the {extreme} {figure} ({score:.6g}) among {came}{tied}{aside}"
