"""Training curves of cells on common steps, and their mean over any group of cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ablate.records import MetricRow
    from ablate.store import Store

POINTS = 100
"""Points of a curve; a run with more log points is averaged within this many equal spans of steps."""


@dataclass(frozen=True)
class TrainingCurves:
    """Each cell's training log: quantity -> cell id -> float64 (points,), NaN where nothing was logged."""

    steps: np.ndarray
    values: Mapping[str, Mapping[str, np.ndarray]]

    def mean(self, quantity: str, cells: Sequence[str]) -> np.ndarray | None:
        """Returns the mean over those of `cells` that logged `quantity`, None where none did.

        A diverged cell counts up to where it stopped.
        """
        import numpy as np

        logged = self.values.get(quantity, {})
        found = np.array([logged[cell] for cell in cells if cell in logged])
        if not found.size or np.isnan(found).all():
            return None
        count = (~np.isnan(found)).sum(axis=0)
        return np.where(count > 0, np.nansum(found, axis=0) / np.maximum(count, 1), np.nan)

    def limits(self, quantity: str, cells: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns the lowest and the highest value over several of `cells`, None where one alone has any."""
        import numpy as np

        logged = self.values.get(quantity, {})
        found = np.array([logged[cell] for cell in cells if cell in logged])
        if len(found) < 2:
            return None
        known = ~np.isnan(found).all(axis=0)
        low, high = (np.where(known, of(np.where(known, found, 0), axis=0), np.nan) for of in (np.nanmin, np.nanmax))
        return low, high

    def ratio(self, quantity: str, other: str, cells: Sequence[str]) -> np.ndarray | None:
        """Returns the geometric mean over cells of one positive quantity divided by another, None where none has it."""
        import numpy as np

        own, below = self.values.get(quantity, {}), self.values.get(other, {})
        pairs = [(own[cell], below[cell]) for cell in cells if cell in own and cell in below]
        if not pairs:
            return None
        over, under = np.array(pairs).swapaxes(0, 1)
        known = (over > 0) & (under > 0)
        logs = np.log(over, out=np.zeros_like(over), where=known) - np.log(under, out=np.zeros_like(over), where=known)
        count = known.sum(axis=0)
        if not count.any():
            return None
        return np.where(count > 0, np.exp((logs * known).sum(axis=0) / np.maximum(count, 1)), np.nan)


def read_curves(store: Store, cells: Iterable[str]) -> TrainingCurves:
    """Reads the adversarial stage of cells."""
    import numpy as np

    logs = {
        cell: _columns([row for row in store.cell(cell).metrics() if row.phase == "train"])
        for cell in dict.fromkeys(cells)
    }
    logged = np.unique(np.concatenate([np.zeros(0), *(columns["step"] for columns in logs.values())]))
    edges = logged if len(logged) <= POINTS else np.linspace(logged[0], logged[-1], POINTS)
    values: dict[str, dict[str, np.ndarray]] = {}
    for cell, columns in logs.items():
        bins = np.searchsorted(edges, columns["step"], side="right") - 1
        for quantity, column in columns.items():
            if quantity != "step" and np.isfinite(column).any():
                values.setdefault(quantity, {})[cell] = _binned(bins, column, len(edges))
    return TrainingCurves(edges, values)


def _binned(bins: np.ndarray, column: np.ndarray, length: int) -> np.ndarray:
    import numpy as np

    finite = np.isfinite(column)
    count = np.bincount(bins[finite], minlength=length)
    total = np.bincount(bins[finite], weights=column[finite], minlength=length)
    known = np.flatnonzero(count)
    # Cells that log at other steps have gaps on the common ones; before the first and after the last value is nothing.
    return np.interp(np.arange(length), known, total[known] / count[known], left=np.nan, right=np.nan)


def _columns(rows: Sequence[MetricRow]) -> dict[str, np.ndarray]:
    """Turns log rows into float64 columns; a value that was not finite is NaN."""
    import numpy as np

    columns: dict[str, list[float | None]] = {
        "step": [row.step for row in rows],
        "steps_per_second": [row.steps_per_second for row in rows],
        "reconstruction_std": [row.reconstruction_std for row in rows],
        "t": _clock(rows),
    }
    columns |= _parts("loss.", [row.loss for row in rows])
    columns |= _parts("gradient_norm.", [row.gradient_norm for row in rows])
    for number in range(max((len(row.scales) for row in rows), default=0)):
        scale = [row.scales[number] if number < len(row.scales) else {} for row in rows]
        columns |= _parts(f"scale{number + 1}.", scale)
    return {name: np.array(column, dtype=np.float64) for name, column in columns.items()}


def _clock(rows: Sequence[MetricRow]) -> list[float | None]:
    """Returns the seconds of training at each row; an attempt starts its clock where the last one ended."""
    times: list[float | None] = []
    before, last, attempt = 0.0, 0.0, None
    for row in rows:
        if row.attempt != attempt:
            before, attempt = last, row.attempt
        times.append(None if row.t is None else before + row.t)
        last = last if times[-1] is None else times[-1]
    return times


def _parts(prefix: str, parts: Sequence[Mapping[str, float | None]]) -> dict[str, list[float | None]]:
    names = sorted({name for part in parts for name in part})
    return {prefix + name: [part.get(name) for part in parts] for name in names}
