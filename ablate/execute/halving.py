"""Successive halving of one arm's trials: who goes on, who wins, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ablate.records import PlannedTuning, Status

Bad = Literal["diverged", "unmeasured"]


@dataclass(frozen=True)
class Score:
    """How a trial did in a rung: the mean of the figure over its seeds, or why it has none."""

    value: float | None = None
    bad: Bad | None = None

    @classmethod
    def of(cls, cells: Sequence[tuple[Status, float | None]]) -> Score | None:
        """Returns the score of a trial from status and figure of its cells; None while one of them is not over."""
        if any(status is Status.diverged for status, _ in cells) and all(status.finished for status, _ in cells):
            return cls(bad="diverged")
        values = [value for status, value in cells if status is Status.done and value is not None]
        if any(not status.finished for status, _ in cells):
            return None
        return cls(sum(values) / len(values)) if len(values) == len(cells) else cls(bad="unmeasured")


@dataclass
class Halving:
    """How far an arm's trials are: the trials of each rung, the scores of those rungs that are over, and the winner."""

    rungs: list[tuple[int, ...]]
    scores: list[Mapping[int, Score]] = field(default_factory=list)
    winner: int | None = None
    ties: int = 0
    complete: bool = False

    def ended(self, trial: int) -> tuple[int, Score | None]:
        """Returns the last rung that a trial came to, and its score there where the rung is over."""
        rung = max(index for index, trials in enumerate(self.rungs) if trial in trials)
        return rung, self.scores[rung].get(trial) if rung < len(self.scores) else None

    def bad(self, kind: Bad) -> int:
        """Counts the trials that ended so."""
        return sum(score.bad == kind for scores in self.scores for score in scores.values())


def halve(tuning: PlannedTuning, scores: Sequence[Mapping[int, Score | None]]) -> Halving:
    """Follows an arm's trials from rung to rung as far as their scores are known.

    A rung is judged once all of its trials are over, so that every arm has the same trials. What diverged, or has no
    figure, goes no further; of equal scores the lower number goes first.

    Args:
        tuning: says how many come to each rung.
        scores: by rung, of each trial; None where it is not over.
    """
    found = Halving([tuple(range(tuning.trials))])
    while True:
        rung = len(found.scores)
        there = scores[rung] if rung < len(scores) else {}
        known = {trial: score for trial in found.rungs[rung] if (score := there.get(trial)) is not None}
        if len(known) < len(found.rungs[rung]):
            return found
        found.scores.append(known)
        ranked = ranking(known, tuning.direction)
        able = [trial for trial in ranked if known[trial].bad is None]
        if not able or rung + 1 == len(tuning.rungs):
            found.complete = True
            found.winner = able[0] if able else None
            found.ties = sum(known[trial].value == known[able[0]].value for trial in able[1:])
            return found
        found.rungs.append(tuple(sorted(able[: tuning.count(rung + 1)])))


def ranking(scores: Mapping[int, Score], direction: str) -> list[int]:
    """Returns trials from the best to the worst; those without a value last, and by number where they are equal."""

    def place(trial: int) -> tuple[bool, float, int]:
        value = scores[trial].value
        return value is None, 0.0 if value is None else (-value if direction == "higher" else value), trial

    return sorted(scores, key=place)
