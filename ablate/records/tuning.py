"""Records of tuning: the trials that a grid plans for each arm, and what was chosen from them, and why."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ablate.metrics.naming import on_set
from ablate.records.record import Record, SealedRecord

Values = dict[str, int | float]


class TunedArm(Record):
    """The trials of one arm: the values of each by dotted key, drawn from its ranges by scale."""

    arm: str
    ranges: dict[str, dict[Literal["log", "lin"], tuple[float, float]]]
    trials: tuple[Values, ...]


class Tuned(Record):
    """How the arms of a grid are tuned: by which figure, in which rungs, on which seeds."""

    metric: str
    direction: Literal["higher", "lower"]
    select_on: str
    """The set of images that choices are made on."""
    rungs: tuple[float, ...]
    """Parts of a whole training after which trials are compared."""
    seeds: tuple[int, ...]
    """Of trials; none of them judges."""
    draws: int
    """Seed of the Sobol sequence."""

    @property
    def figure(self) -> str:
        """The name of the figure that chooses."""
        return on_set(self.metric, self.select_on)

    def stops(self, rung: int, steps: int) -> int:
        """Returns the step that a rung ends at, of a whole training of `steps`."""
        return round(self.rungs[rung] * steps)


class PlannedTuning(Tuned):
    """Equal trials for each arm of a grid, in rungs of growing length."""

    arms: tuple[TunedArm, ...]

    @property
    def trials(self) -> int:
        """Trials of each arm."""
        return len(self.arms[0].trials)

    def count(self, rung: int) -> int:
        """Returns how many trials of an arm come to a rung: as many fewer as it is longer than the first, one at least.

        Jamieson and Talwalkar (2016), successive halving.
        """
        return max(1, int(self.trials * self.rungs[0] / self.rungs[rung] + 1e-9))

    def stop_at(self, rung: int, steps: int) -> int | None:
        """Returns `train.stop_at` of a trial in a rung; None for the whole training."""
        end = self.stops(rung, steps)
        return None if end == steps else end


class TrialRecord(Record):
    """One trial: its values, its cells and scores by rung, and where it ended.

    A score is the mean of the figure over the trial seeds. `rank` is among the arm's trials, 1 for the winner:
    those that came further stand first, those of one rung by their score, and what diverged or has no figure last.
    """

    number: int
    values: Values
    cells: tuple[tuple[str, ...], ...]
    """Ids by rung, one for each trial seed."""
    scores: tuple[float | None, ...] = ()
    """By finished rung; None where it diverged or has no figure."""
    ended: Literal["chosen", "stopped", "diverged", "unmeasured", "open"]
    rank: int | None = None


class ArmChoice(Record):
    """What was chosen for an arm: the number of the winning trial, None before it is known or where none can be."""

    arm: str
    complete: bool
    winner: int | None
    own: bool = False
    """Whether the winner's values are the arm's untuned ones, so that its cells are those of the design."""
    why: str
    ties: int
    """Trials that scored as the winner did in its last rung, beside it; the one with the lowest number wins."""
    diverged: int
    unmeasured: int
    trials: tuple[TrialRecord, ...]

    @property
    def values(self) -> Values:
        """The values of the winner, none before it is known."""
        return next((trial.values for trial in self.trials if trial.number == self.winner), {})


class TuningRecord(Tuned, SealedRecord):
    """tuning.json: how the arms of a grid were tuned and what was chosen, or how far that is."""

    schema_version: Literal[1] = Field(1, alias="schema")
    arms: tuple[ArmChoice, ...]

    @property
    def complete(self) -> bool:
        """Whether every arm's trials are over."""
        return all(arm.complete for arm in self.arms)
