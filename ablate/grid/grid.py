"""A grid as it was read: its axes, what is claimed and allowed, and its points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.config import Cell
from ablate.grid.patterns import Excluded
from ablate.grid.sections import Budget, Compare, Design, Execution, Reference, Seeds, Tune
from ablate.plugins.source import Source
from ablate.records import AxisNames, PlannedTuning


@dataclass(frozen=True)
class Point:
    """A cell and where it lies: the plain value of every key that varies.

    The label is made of the axes, or is that of the [[include]], and ends in the seed: `scales=3 seed=0`; `arm` is the
    label without seed and replicate. An included
    cell has, beside the keys of the axes, those that its include sets.
    """

    cell: Cell
    label: str
    arm: str
    axes: Mapping[str, Any]
    seed: int
    included: bool = False


@dataclass(frozen=True)
class Grid:
    """A grid file that has no mistake.

    `base` is the complete cell that every point starts from, as nested tables. `axes` holds the plain values that the
    design runs, for every key that varies, and `names` what the file calls them; `notes` are sentences about what the
    file says and the design does not run.
    """

    name: str
    path: Path
    base: Mapping[str, Any]
    axes: Mapping[str, tuple[Any, ...]]
    names: tuple[AxisNames, ...]
    excluded: tuple[Excluded, ...]
    design: Design
    seeds: Seeds
    compare: Compare
    budget: Budget
    execution: Execution
    references: tuple[Reference, ...]
    plugins: tuple[Source, ...]
    tune: Tune | None
    notes: tuple[str, ...]
    resolved: Callable[[], Iterator[Point]]
    """Goes through the cells, which are as many as the arms times the seeds, and are not held all at once."""
    tuning: PlannedTuning | None

    def points(self) -> tuple[Point, ...]:
        """Returns every cell to run, the whole design of one seed before the next."""
        return tuple(self.resolved())

    @property
    def directory(self) -> Path:
        """Directory that relative paths of the file begin at."""
        return self.path.parent


@dataclass(frozen=True)
class Header:
    """Sections of a grid file about itself and its run, beside its cells."""

    name: str
    path: Path
    design: Design
    seeds: Seeds
    compare: Compare
    budget: Budget
    execution: Execution
    references: tuple[Reference, ...]
    plugins: tuple[Source, ...]
    tune: Tune | None
