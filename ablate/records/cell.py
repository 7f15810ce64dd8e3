"""A planned cell together with what became of it: the one view that analysis, gate, report and commands share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.records.plan import Part
from ablate.records.result import Number, Result
from ablate.records.seal import Damage
from ablate.records.settings import last_step
from ablate.records.status import Status
from ablate.records.weights import WEIGHTS


@dataclass(frozen=True)
class CellRecord:
    """One planned cell and what became of it.

    Attributes:
        id: identity of its training.
        label: name in its grid, on the command line and in the plan.
        arm: name of its setting, which all its seeds share.
        grid: the grid that it was planned in, where several are compared.
        axes: plain value of every key that varies.
        seed: of its training.
        replicate: which repetition of the seed it is, from 0.
        config: complete settings as plain data.
        warmup: id of the warm-up that it starts from.
        status: how far it is.
        result: None until it is done or diverged; with the figures of its measurements, those of another set of images
            than "test" as `metric@set`.
        step: at which it ended or failed.
        cause: why it diverged, failed or is broken or altered.
        part: why the grid has it.
        damages: the files that are not as they were sealed, of one that is altered.
        unsealed: whether it was finished before there were seals, so that nobody could tell.
    """

    id: str
    label: str
    arm: str
    grid: str
    axes: Mapping[str, Any]
    seed: int
    replicate: int
    config: Mapping[str, Any]
    warmup: str | None
    status: Status
    result: Result | None = None
    step: int | None = None
    cause: str | None = None
    part: Part = "design"
    damages: tuple[Damage, ...] = ()
    unsealed: bool = False

    @property
    def steps(self) -> int:
        """Steps of the cell's own training, without its warm-up."""
        return last_step(self.config)

    @property
    def measured(self) -> Result | None:
        """The result of a cell that is done; a diverged one has no figures."""
        return self.result if self.status is Status.done else None

    def trained_against(self, metric: str) -> bool:
        """Tells whether the cell was trained against the network that a metric looks through."""
        return self.measured is not None and self.measured.trained_against(metric)

    def score(self, metric: str, weights: str = WEIGHTS[0]) -> Number:
        """Returns the cell's value of `metric`, None where it was not measured or is undefined."""
        return self.measured.score(metric, weights) if self.measured else None
