"""What a level costs, and what it reaches for the same number of steps and for the same seconds."""

from __future__ import annotations

from collections.abc import Mapping

from ablate.analysis.effects import effects
from ablate.analysis.intervals import Interval, t_interval
from ablate.analysis.study import CellRecord, Study


def train_seconds(cell: CellRecord) -> float | None:
    """Returns how long a finished cell trained."""
    seconds = cell.result.get("train_seconds") if cell.result and cell.status == "done" else None
    return None if seconds is None else float(seconds)


def time_shares(study: Study) -> Mapping[tuple[str, str], Interval]:
    """Returns how much longer each level trains than the baseline level, as a share; paired as effects are."""
    return {
        effect.key: t_interval([value / effect.reference for value in effect.differences])
        for effect in effects(study, "train_seconds", train_seconds)
        if effect.reference and effect.differences
    }
