"""Equal budgets: how much longer a level trains, and what it reaches for the same steps and the same seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ablate.analysis.curves import TrainingCurves
from ablate.analysis.effects import Effect, Score, effects
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.study import Study
from ablate.records import CellRecord, Status

if TYPE_CHECKING:
    import numpy as np

Unit = Literal["steps", "seconds"]
UNITS: tuple[Unit, ...] = ("steps", "seconds")
DISTORTION = "loss.distortion"
WINDOW = 0.75
"""A curve is averaged from this share of a budget to its end, since single log points scatter."""


@dataclass(frozen=True)
class Budget:
    """The effects on the training distortion that cells have reached within an equal budget.

    `amounts` is what each seed's cells were given: the steps or the seconds of the one that took fewest.
    """

    unit: Unit
    amounts: Mapping[int, float]
    effects: tuple[Effect, ...]


def train_seconds(cell: CellRecord) -> float | None:
    """Returns how long a finished cell trained."""
    return cell.measured.train_seconds if cell.measured else None


def time_shares(study: Study) -> Mapping[tuple[str, str], Interval]:
    """Returns how much longer each level trains than the baseline level, as a share; paired as effects are."""
    return {
        effect.key: t_interval([value / effect.reference for value in effect.differences])
        for effect in effects(study, "train_seconds", train_seconds)
        if effect.reference and effect.differences
    }


def budgets(study: Study, curves: TrainingCurves) -> tuple[Budget, ...]:
    """Compares training distortion at equal steps and at equal seconds of training, seed by seed.

    Cells that train on another distortion than the most do not compare and are left out.
    """
    import numpy as np

    cells = _alike(study)
    logged, clock = curves.values.get(DISTORTION, {}), curves.values.get("t", {})
    found = []
    for unit in UNITS:
        spent = {
            cell.id: curves.steps if unit == "steps" else clock[cell.id]
            for cell in cells
            if cell.id in logged and cell.id in clock
        }
        ends: dict[int, list[float]] = {}
        for cell in cells:
            if cell.id in spent:
                known = ~np.isnan(logged[cell.id]) & ~np.isnan(spent[cell.id])
                ends.setdefault(cell.seed, []).append(float(spent[cell.id][known].max()))
        amounts = {seed: min(values) for seed, values in ends.items()}
        values = {
            cell.id: _reached(spent[cell.id], logged[cell.id], amounts[cell.seed]) for cell in cells if cell.id in spent
        }
        found.append(Budget(unit, amounts, effects(study, DISTORTION, _lookup(values))))
    return tuple(found)


def _lookup(values: Mapping[str, float]) -> Score:
    return lambda cell: values.get(cell.id)


def _alike(study: Study) -> list[CellRecord]:
    """Returns the finished cells that train on the distortion that most of them train on."""
    done = [cell for cell in study.cells if cell.status is Status.done]
    kinds = [str(cell.config.get("loss", {}).get("distortion")) for cell in done]
    usual = max(dict.fromkeys(kinds), key=kinds.count, default="")
    return [cell for cell, kind in zip(done, kinds, strict=True) if kind == usual]


def _reached(spent: np.ndarray, values: np.ndarray, amount: float) -> float:
    """Returns the mean of a curve over the last part of a budget, interpolated between its points."""
    import numpy as np

    known = ~np.isnan(values) & ~np.isnan(spent)
    at = np.linspace(WINDOW * amount, amount, 16)
    return float(np.interp(at, spent[known], values[known]).mean())
