"""Training curves of cells on common steps, and their mean over any group of cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.analysis.study import Study

if TYPE_CHECKING:
    import numpy as np

    from ablate.store import Store

POINTS = 100
"""Points of a curve; a run with more log points is averaged within this many equal spans of steps."""


@dataclass(frozen=True)
class Curves:
    """Each ended cell's training log: quantity -> cell id -> float64 (points,), NaN where nothing was logged."""

    steps: np.ndarray
    values: Mapping[str, Mapping[str, np.ndarray]]

    def mean(self, quantity: str, cells: Sequence[str]) -> np.ndarray | None:
        """Returns the mean over those of `cells` that logged `quantity`, None where none did.

        A diverged cell counts up to where it stopped.
        """
        import numpy as np

        logged = self.values.get(quantity, {})
        found = np.array([logged[id] for id in cells if id in logged])
        if not found.size or np.isnan(found).all():
            return None
        count = (~np.isnan(found)).sum(axis=0)
        return np.where(count > 0, np.nansum(found, axis=0) / np.maximum(count, 1), np.nan)


def read_curves(study: Study, store: Store) -> Curves:
    """Reads the adversarial stage of every cell that is done or diverged."""
    import numpy as np

    ended = [cell.id for cell in study.cells if cell.status in ("done", "diverged")]
    logs = {id: _columns(store.cell(id).metrics()) for id in dict.fromkeys(ended)}
    logged = sorted({step for columns in logs.values() for step in columns.get("step", ())})
    if not logged:
        return Curves(np.zeros(0), {})
    edges = np.array(logged) if len(logged) <= POINTS else np.linspace(logged[0], logged[-1], POINTS)
    values: dict[str, dict[str, np.ndarray]] = {}
    for id, columns in logs.items():
        steps = np.array(columns.get("step", ()))
        bins = np.searchsorted(edges, steps, side="right") - 1
        for quantity, column in columns.items():
            if quantity != "step":
                values.setdefault(quantity, {})[id] = _binned(bins, np.array(column, dtype=np.float64), len(edges))
    return Curves(edges.astype(np.float64), values)


def _binned(bins: np.ndarray, column: np.ndarray, length: int) -> np.ndarray:
    import numpy as np

    finite = np.isfinite(column)
    count = np.bincount(bins[finite], minlength=length)
    total = np.bincount(bins[finite], weights=column[finite], minlength=length)
    known = np.flatnonzero(count)
    if not known.size:
        return np.full(length, np.nan)
    # Cells that log at other steps have gaps on the common ones; before the first and after the last value is nothing.
    return np.interp(np.arange(length), known, total[known] / count[known], left=np.nan, right=np.nan)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Turns log rows into columns; a value that was not finite is NaN."""
    rows = [row for row in rows if row.get("phase", "train") == "train"]
    columns: dict[str, list[float]] = {"step": [row["step"] for row in rows]} if rows else {}
    for index, row in enumerate(rows):
        for name, value in _flat(row):
            column = columns.setdefault(name, [float("nan")] * len(rows))
            column[index] = float("nan") if value is None else value
    return columns


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for group in ("loss", "gradient_norm"):
        for name, value in row.get(group, {}).items():
            yield f"{group}.{name}", value
    for number, scale in enumerate(row.get("scales", ()), start=1):
        for name, value in scale.items():
            yield f"scale{number}.{name}", value
    for name in ("steps_per_second", "reconstruction_std"):
        if name in row:
            yield name, row[name]
