"""What a grid planned and what became of each cell: the frozen input of every statistic and of the report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ablate.analysis.axes import Axis, find_axes
from ablate.grid.sections import Compare

if TYPE_CHECKING:
    from ablate.store import Store

STATUSES = ("done", "diverged", "failed", "running", "pending")
WEIGHTS = ("ema", "raw")
"""Both sets of weights that a cell is measured by; the first is the one that claims rest on."""

Block = tuple[str, ...]
"""The levels of all axes but one: what two cells of a pair have in common beside their seed."""

Slot = tuple[str, int, Block]
"""A level of one axis, a seed, and a block of the others."""


@dataclass(frozen=True)
class CellRecord:
    """One planned cell and what became of it; `result` is None until the cell has ended as done or diverged."""

    id: str
    arm: str
    axes: Mapping[str, Any]
    seed: int
    replicate: int
    config: Mapping[str, Any]
    warmup: str | None
    status: str
    result: Mapping[str, Any] | None
    step: int | None
    cause: str | None
    label: str
    """What the cell is called in its grid, on the command line and in the store's plan."""
    grid: str
    """The grid that the cell was planned in, where several are compared."""

    def score(self, metric: str, weights: str = WEIGHTS[0]) -> float | None:
        """Returns the cell's value of `metric`, None where it was not measured or is undefined."""
        if self.result is None or self.status != "done":
            return None
        value: float | None = self.result.get("metrics", {}).get(weights, {}).get(metric)
        return value


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
        return tuple(cell for cell in self.cells if cell.status == "done")

    def of_seed(self, seed: int) -> CellRecord | None:
        """Returns the cell of `seed`."""
        return next((cell for cell in self.cells if cell.seed == seed), None)

    def scores(self, metric: str, weights: str = WEIGHTS[0]) -> dict[int, float]:
        """Returns the measured value of each seed."""
        found = {cell.seed: cell.score(metric, weights) for cell in self.cells}
        return {seed: value for seed, value in found.items() if value is not None}


@dataclass(frozen=True)
class Study:
    """A grid's plan with the outcome of every cell."""

    name: str
    grid_text: str
    fingerprint: str | None
    compare: Compare
    planned_axes: Mapping[str, tuple[Any, ...]]
    excluded: tuple[Mapping[str, Any], ...]
    cells: tuple[CellRecord, ...]

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
        """What varies, in the order of the grid file."""
        return find_axes(self.planned_axes, [cell.axes for cell in self.cells], self.compare.baseline)

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
    def seeds(self) -> tuple[int, ...]:
        """Every planned seed once, in the order of the plan."""
        return tuple(dict.fromkeys(cell.seed for cell in self.cells))

    @cached_property
    def baseline(self) -> Arm | None:
        """The arm at the baseline level of every axis; None where the grid leaves that point out."""
        return next((arm for arm in self.arms if self.on_axes(arm) and self._at_baseline(arm)), None)

    def on_axes(self, arm: Arm) -> bool:
        """Returns whether the arm is a point of the declared axes and not one that was added beside them."""
        return set(arm.axes) == set(self.planned_axes) and all(axis.level(arm.axes) for axis in self.axes)

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
    grid_file = store.path / "grid.toml"
    names = arm_names(plan["points"])
    return Study(
        name=plan["name"],
        grid_text=grid_file.read_text(encoding="utf-8") if grid_file.exists() else "",
        fingerprint=plan.get("fingerprint"),
        compare=Compare.model_validate(plan["compare"]),
        planned_axes={key: tuple(values) for key, values in plan["axes"].items()},
        excluded=tuple(plan.get("excluded", ())),
        cells=tuple(
            _record(store, plan["name"], point, name) for point, name in zip(plan["points"], names, strict=True)
        ),
    )


def _record(store: Store, grid: str, point: Mapping[str, Any], arm: str) -> CellRecord:
    entry = store.cell(point["id"])
    status = str(entry.status())
    result = entry.result() if status in ("done", "diverged") else None
    step, cause = (result.get("step"), result.get("cause")) if result else (None, None)
    if status == "failed":
        last = entry.last_attempt()
        ending = last.exit() if last else None
        step, cause = (ending["step"], ending["error"]) if ending else (None, None)
    return CellRecord(
        id=point["id"], arm=arm, axes=point["axes"], seed=point["seed"], config=point["cell"],
        replicate=point["cell"].get("replicate", 0), warmup=point.get("warmup"), status=status,
        result=result, step=step, cause=cause, label=point["label"], grid=grid,
    )  # fmt: skip


def arm_names(points: list[dict[str, Any]]) -> list[str]:
    """Names the arm of each point of a plan: its label without the seed, with the id where two settings wear one."""
    names: dict[str, str] = {}
    for point in points:
        label = re.sub(r" seed=\d+( replicate=\d+)?$", "", point["label"])
        names.setdefault(_setting(point), f"{label} ({point['id']})" if label in names.values() else label)
    return [names[_setting(point)] for point in points]


def _setting(point: Mapping[str, Any]) -> str:
    """Returns what two cells share exactly when they differ in nothing but the seed."""
    return repr(sorted((key, value) for key, value in point["cell"].items() if key not in ("seed", "replicate")))
