"""A grid's plan with the outcome of each cell: the frozen input of every statistic and of the report."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.analysis.axes import Axis, find_axes
from ablate.metrics.naming import RATE
from ablate.records import (
    WEIGHTS,
    AlteredError,
    AxisNames,
    CellRecord,
    Compare,
    ExcludedCells,
    RecordError,
    Reference,
    Status,
)
from ablate.records.images import read_images
from ablate.store.artefacts import IMAGES
from ablate.store.layout import as_altered
from ablate.store.seal import require_whole

if TYPE_CHECKING:
    from ablate.store import Store

READ = (IMAGES, "metrics.jsonl", "events.jsonl")
"""Files of every finished cell that a report reads from the first byte to the last."""
TUNING, UNTUNED = "tune", "untuned"
"""The key and the level that tell arms which were not tuned from the points of the axes."""

Block = tuple[str, ...]
"""The levels of all axes but one: what two cells of a pair have in common beside their seed."""

Slot = tuple[str, int, Block]
"""A level of one axis, a seed, and a block of the others."""


@dataclass(frozen=True)
class Arm:
    """All seeds of one setting; `again` are second runs of a seed, which say how much the machine varies (A/A)."""

    name: str
    axes: Mapping[str, Any]
    cells: tuple[CellRecord, ...]
    again: tuple[CellRecord, ...] = ()

    @property
    def done(self) -> tuple[CellRecord, ...]:
        """The cells that have a measurement."""
        return tuple(cell for cell in self.cells if cell.status is Status.done)

    def of_seed(self, seed: int) -> CellRecord | None:
        """Returns the cell of `seed`."""
        return next((cell for cell in self.cells if cell.seed == seed), None)

    def scores(self, metric: str, weights: str = WEIGHTS[0]) -> dict[int, float]:
        """Returns the measured value of each seed."""
        found = {cell.seed: cell.score(metric, weights) for cell in self.cells}
        return {seed: value for seed, value in found.items() if value is not None}

    def trained_against(self, metric: str) -> bool:
        """Tells whether a cell was trained against the network that the metric looks through."""
        return any(cell.trained_against(metric) for cell in self.done)

    def mean(self, metric: str) -> float | None:
        """Returns the mean over the seeds that have a value, None where none has."""
        values = self.scores(metric).values()
        return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Study:
    """A grid's plan with the outcome of every cell."""

    name: str
    grid_text: str
    fingerprint: str | None
    compare: Compare
    planned_axes: Mapping[str, tuple[Any, ...]]
    excluded: tuple[ExcludedCells, ...]
    cells: tuple[CellRecord, ...]
    references: tuple[tuple[Reference, Path], ...] = ()
    """Other codecs, each with the directory of the grid file that names it."""
    axis_names: tuple[AxisNames, ...] = ()
    """What the grid file calls axes and levels."""

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The settings in the order of the plan."""
        groups: dict[str, list[CellRecord]] = {}
        for cell in self.cells:
            groups.setdefault(cell.arm, []).append(cell)
        return tuple(
            Arm(
                name,
                cells[0].axes,
                tuple(cell for cell in cells if not cell.replicate),
                tuple(cell for cell in cells if cell.replicate),
            )
            for name, cells in groups.items()
        )

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Axes that vary, in the order of the grid file; a level that only an untuned arm has is without cells."""
        points = [{key: value for key, value in cell.axes.items() if key != TUNING} for cell in self.cells]
        return find_axes(self.planned_axes, points, self.compare.baseline, self.axis_names)

    @cached_property
    def slots(self) -> Mapping[str, Mapping[Slot, CellRecord]]:
        """The cells on the axes, once for each axis: where they lie on it, their seed, where they lie on the others."""
        places = {cell.id: [axis.level(cell.axes) for axis in self.axes] for cell in self.cells}
        on_axes = [
            (cell, [level for level in places[cell.id] if level is not None])
            for cell in self.cells
            if not cell.replicate and set(cell.axes) == set(self.planned_axes) and None not in places[cell.id]
        ]
        return {
            axis.name: {
                (levels[index], cell.seed, (*levels[:index], *levels[index + 1 :])): cell for cell, levels in on_axes
            }
            for index, axis in enumerate(self.axes)
        }

    @cached_property
    def moved(self) -> Mapping[str, float]:
        """How many times the bits of its cheapest level an axis' dearest costs, by axis; 0 where none are measured."""
        found = {}
        for name, slots in self.slots.items():
            levels: dict[str, list[float]] = {}
            for (level, _, _), cell in slots.items():
                if bits := cell.score(RATE):
                    levels.setdefault(level, []).append(bits)
            means = [sum(values) / len(values) for values in levels.values()]
            found[name] = max(means) / min(means) if means else 0.0
        return found

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Every planned seed once, in the order of the plan."""
        return tuple(dict.fromkeys(cell.seed for cell in self.cells))

    @cached_property
    def baseline(self) -> Arm | None:
        """The arm at the baseline level of every axis; None where the grid leaves that point out."""
        return next((arm for arm in self.arms if self.on_axes(arm) and self._at_baseline(arm)), None)

    def on_axes(self, arm: Arm) -> bool:
        """Returns whether the arm is a point of the declared axes and not one that was added beside them."""
        return self.on_axes_at(arm.axes)

    def on_axes_at(self, settings: Mapping[str, object]) -> bool:
        """Returns whether settings of an arm make it a point of the declared axes."""
        return set(settings) == set(self.planned_axes) and all(axis.level(settings) for axis in self.axes)

    def _at_baseline(self, arm: Arm) -> bool:
        return all(axis.level(arm.axes) == axis.baseline for axis in self.axes)


def read_study(store: Store) -> Study:
    """Reads the plan of a grid and the outcome of each of its cells.

    Raises:
        ValueError: if the grid has no plan yet.
    """
    plan = store.plan()
    if plan is None:
        raise ValueError(f"{store.path} has no plan.json; `ablate run` writes one before the first cell")
    store.require_grid(plan)
    grid_file = store.path / "grid.toml"
    tuning = store.tuning()
    own = {choice.arm for choice in tuning.arms if choice.own} if tuning else ()
    return Study(
        name=plan.name,
        grid_text=grid_file.read_text(encoding="utf-8") if grid_file.exists() else "",
        fingerprint=plan.fingerprint,
        compare=plan.claims,
        planned_axes={key: tuple(values) for key, values in plan.axes.items()},
        axis_names=plan.names,
        excluded=tuple(plan.excluded),
        cells=tuple(_whole(cell, store) for cell in judged(store.cell_records(plan), own)),
        references=tuple((reference, Path(plan.directory)) for reference in plan.references),
    )


def judged(cells: Iterable[CellRecord], own: Container[str] = ()) -> tuple[CellRecord, ...]:
    """Returns the cells that claims are made of: no trials, and once arms are tuned, those that are not stand beside.

    An arm that was not tuned is no point of the axes any more: claims are of arms with equal tuning. Arms that were
    tuned to the values that they have, `own`, are both.
    """
    cells = [cell for cell in cells if cell.part != "trial"]
    if all(cell.part == "design" for cell in cells):
        return tuple(cells)
    return tuple(
        replace(cell, arm=f"{cell.arm} {UNTUNED}", axes={**cell.axes, TUNING: UNTUNED})
        if cell.part == "design" and cell.arm not in own
        else cell
        for cell in cells
    )


def _whole(cell: CellRecord, store: Store) -> CellRecord:
    """Returns a cell; it is broken or altered where what a report reads of it cannot be read or believed."""
    entry = store.cell(cell.id)
    try:
        if cell.result:
            require_whole(entry, cell.result, READ)
        if cell.measured:
            read_images(entry.images_csv, WEIGHTS[0])
    except AlteredError as error:
        return as_altered(cell, (error.damage,))
    except RecordError as error:
        return replace(cell, status=Status.broken, result=None, cause=str(error))
    return cell
