"""Record of what a grid file means: plan.json, with every cell and warm-up and what is declared of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from ablate.records.declared import Budget, Compare, Execution, Reference
from ablate.records.plugin import PluginRecord
from ablate.records.record import Record, SealedRecord
from ablate.records.settings import CellSettings, WarmupSettings, last_step
from ablate.records.tuning import PlannedTuning

if TYPE_CHECKING:
    from ablate.config import Warmup

SCHEMA = 1

Part = Literal["design", "trial", "final"]
"""Why a grid has a cell: its design, to tune an arm, or to judge an arm that was tuned."""


class PlannedCell(Record):
    """A point of the grid as plain data, read without torch."""

    id: str
    sha256: str
    label: str
    arm: str = ""
    """Label of the setting, without seed and replicate; plans from before 0.2 have none; see `setting_label`."""
    axes: dict[str, Any]
    seed: int
    warmup: str | None = None
    cell: dict[str, Any]
    part: Part = "design"
    follows: str | None = None
    """Of a trial beyond the first rung: the cell that it goes on from, at step `begins`."""
    begins: int = 0

    @property
    def steps(self) -> int:
        """Steps of the cell's own training, without its warm-up."""
        return last_step(self.cell)

    @property
    def replicate(self) -> int:
        """Which repetition of its seed it is, from 0."""
        return int(self.cell.get("replicate", 0))

    @property
    def setting_label(self) -> str:
        """Label of the setting, without seed and replicate."""
        return self.arm or setting_label(self.label)

    @property
    def settings(self) -> CellSettings:
        """The record that stands beside the cell."""
        kept = {name: getattr(self, name) for name in ("id", "sha256", "label", "axes", "seed", "warmup", "cell")}
        return CellSettings.model_construct({*kept, "schema_version"}, schema_version=1, **kept)


def setting_label(label: str) -> str:
    """Returns a cell's label without seed and replicate."""
    return re.sub(r" seed=\d+( replicate=\d+)?$", "", label)


class PlannedWarmup(WarmupSettings):
    """A warm-up that cells of the plan start from."""

    @classmethod
    def of(cls, warmup: Warmup) -> PlannedWarmup:
        """Returns the record of a warm-up."""
        return cls(
            id=warmup.id,
            sha256=warmup.sha256,
            schema_version=SCHEMA,
            label=f"warm-up {warmup.id[:4]} seed={warmup.seed}",
            seed=warmup.seed,
            warmup=warmup.model_dump(mode="json"),
        )


class ExcludedCells(Record):
    """Cells that the grid file leaves out, where they lie, how many they are, and why."""

    where: dict[str, Any] = Field(default_factory=dict)
    count: int = 0
    reason: str = ""


class LevelName(Record):
    """What the grid file calls one level of an axis, the values of all keys that change together."""

    values: list[Any]
    label: str


class AxisNames(Record):
    """What the grid file calls an axis, or keys that change together, and its levels."""

    keys: tuple[str, ...]
    label: str = ""
    levels: tuple[LevelName, ...] = ()


class PlanRecord(SealedRecord):
    """plan.json: all cells that a grid file means, and what they were worked out from."""

    REMEDY: ClassVar[str] = "`ablate run` writes it anew from the grid file"

    schema_version: Literal[1] = Field(1, alias="schema")
    grid_sha256: str
    fingerprint: str | None = None
    """Hash of the source files that the identities were worked out by."""
    data_stat: str
    """Fingerprint of names, sizes and times of all images."""
    file: str = ""
    """Name of the grid file; plans from before 0.2 do not say."""
    directory: str = ""
    """Directory that relative paths of the grid file begin at."""
    name: str
    compare: Compare = Compare()
    budget: Budget = Budget()
    execution: Execution = Execution()
    references: tuple[Reference, ...] = ()
    """Other codecs; their files are named by absolute paths."""
    plugins: tuple[PluginRecord, ...] = ()
    """Code that is not the package's own and defines what cells use."""
    tune: PlannedTuning | None = None
    axes: dict[str, list[Any]]
    names: tuple[AxisNames, ...] = ()
    """What the grid file calls axes and levels, where it gives them names."""
    excluded: list[ExcludedCells] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    points: tuple[PlannedCell, ...]
    warmups: dict[str, PlannedWarmup] = Field(default_factory=dict)

    @property
    def claims(self) -> Compare:
        """[compare] as claims follow it: a tuned grid claims its axes alone, since untuned arms stand beside them."""
        if self.tune is None or self.compare.axes:
            return self.compare
        return self.compare.model_copy(update={"axes": tuple(self.axes)})

    @cached_property
    def arm_names(self) -> Mapping[str, str]:
        """Cell id -> name of its arm: the label of its setting, with the id where two settings have one label."""
        names: dict[str, str] = {}
        taken: set[str] = set()
        arms: dict[str, str] = {}
        settings: dict[tuple[int, ...], str] = {}
        for point in self.points:
            if point.part == "trial":  # of no arm, though the winner's has its setting
                arms[point.id] = point.setting_label
                continue
            # Cells of a fresh plan share the objects of their groups.
            parts = [(key, value) for key, value in point.cell.items() if key not in ("seed", "replicate")]
            objects = tuple(id(value) for _, value in parts)
            setting = settings.get(objects) or settings.setdefault(objects, repr(sorted(parts)))
            if setting not in names:
                label = point.setting_label
                names[setting] = f"{label} ({point.id})" if label in taken else label
                taken.add(names[setting])
            arms[point.id] = names[setting]
        return arms
