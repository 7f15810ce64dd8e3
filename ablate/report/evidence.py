"""What every section of a report draws on: the study, its measures and the logs, each read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablate.analysis import (
    Arm,
    Contrast,
    Interval,
    Scores,
    Study,
    TrainingCurves,
    collect_images,
    contrasts,
    read_curves,
    time_shares,
)
from ablate.metrics.catalogue import in_reading_order
from ablate.metrics.metric import Metric
from ablate.records import WEIGHTS
from ablate.store import Store

Measure = Metric
PRIMARY = ("psnr", "fd_")
"""What arms are ranked by where the grid file declares nothing: metrics whose names begin like this."""


@dataclass(frozen=True)
class Evidence:
    """A study with everything that is read from its store for the report."""

    study: Study
    store: Store

    @cached_property
    def measures(self) -> Mapping[str, Measure]:
        """The metrics that finished cells were measured by, in reading order."""
        results = [cell.result for cell in self.study.cells if cell.result and cell.status == "done"]
        written = {name for result in results for scores in result.metrics.values() for name in scores}
        return {metric.name: metric for metric in in_reading_order(written)}

    @cached_property
    def varying(self) -> tuple[Measure, ...]:
        """The metrics on which any two finished cells differ."""
        cells = [cell for cell in self.study.cells if cell.status == "done"]
        return tuple(
            measure for name, measure in self.measures.items() if len({cell.score(name) for cell in cells}) > 1
        )

    @cached_property
    def primary(self) -> tuple[Measure, ...]:
        """The metrics that arms are ranked by: those declared in the grid file, of which results exist."""
        declared = self.study.compare.primary
        wanted = [name for name in self.measures if name in declared]
        wanted = wanted or [name for name in self.measures if name.startswith(PRIMARY)]
        return tuple(self.measures[name] for name in wanted if self.measures[name].direction)

    @cached_property
    def contrasts(self) -> Mapping[str, tuple[Contrast, ...]]:
        """Every comparison to the baseline, by metric; metrics without a better direction have none."""
        compared = dict.fromkeys((*self.primary, *self.varying))
        directions = {measure.name: measure.direction for measure in compared if measure.direction}
        return contrasts(self.study, directions, primary={measure.name for measure in self.primary})

    @cached_property
    def time_shares(self) -> Mapping[tuple[str, str], Interval]:
        """How much longer each level trains than the baseline level, as a share."""
        return time_shares(self.study)

    @cached_property
    def ran_alone(self) -> bool:
        """Whether every measured cell had its device to itself, so that seconds are the arm's own."""
        measured = [cell.result for cell in self.study.cells if cell.result and cell.status == "done"]
        return all(result.get("environment", {}).get("cells_at_once") == 1 for result in measured)

    @property
    def alpha(self) -> float:
        """The level of significance that the grid file declares."""
        return self.study.compare.alpha

    @cached_property
    def all_on_axes(self) -> bool:
        """Whether no arm was added beside the axes."""
        return all(self.study.on_axes(arm) for arm in self.study.arms)

    @cached_property
    def finished(self) -> tuple[Arm, ...]:
        """Arms with at least one finished cell."""
        return tuple(arm for arm in self.study.arms if arm.done)

    @cached_property
    def reference(self) -> Arm | None:
        """The baseline arm where it has finished, else the first arm that has."""
        baseline = self.study.baseline
        if baseline is not None and baseline in self.finished:
            return baseline
        return self.finished[0] if self.finished else None

    @cached_property
    def curves(self) -> TrainingCurves:
        """The training logs of all cells that have ended."""
        return read_curves(self.study, self.store)

    @cached_property
    def events(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Cell -> what its trainings recorded beside their logs, in the order it happened."""
        ended = [cell.id for cell in self.study.cells if cell.status in ("done", "diverged")]
        return {cell: [e.plain() for e in self.store.cell(cell).events()] for cell in dict.fromkeys(ended)}

    @cached_property
    def per_image(self) -> Scores:
        """PSNR of each image under the primary weights."""
        return collect_images(self.study, self.store, "psnr", WEIGHTS[0])

    @cached_property
    def rate_per_image(self) -> Scores:
        """Bits per pixel of each image's file under the primary weights."""
        return collect_images(self.study, self.store, "bpp_actual", WEIGHTS[0])
