"""Sources of every section of a report: the study, its metrics and the logs, each read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ablate.analysis import (
    Arm,
    Contrast,
    Effect,
    Interval,
    Scores,
    Study,
    TrainingCurves,
    Winner,
    collect_images,
    contrasts,
    read_curves,
    t_interval,
    time_shares,
    winner,
)
from ablate.analysis.references import Beside, beside
from ablate.metrics import Metric
from ablate.metrics.catalogue import in_reading_order
from ablate.records import WEIGHTS, CellRecord, Event, EyeSession, Result, Status, TuningRecord
from ablate.report.crops import read_originals
from ablate.store import PooledStore, Store

if TYPE_CHECKING:
    import numpy as np

LOST = (Status.diverged, Status.failed, Status.broken, Status.altered)
"""Status of cells that have no measurement unless something is done about them."""

PRIMARY = ("psnr", "fd_")
"""Metrics that arms are ranked by where the grid file declares none: those whose names begin like this."""


@dataclass(frozen=True)
class Evidence:
    """A study with everything that is read from its store for the report."""

    study: Study
    store: Store
    live: bool = False
    """Whether the grid is still run, and trainings under way are looked at, too."""
    sessions: tuple[EyeSession, ...] = ()
    """What people said of pairs of reconstructions."""

    @cached_property
    def done(self) -> tuple[CellRecord, ...]:
        """The cells that have a measurement."""
        return tuple(cell for cell in self.study.cells if cell.status is Status.done)

    @cached_property
    def ended(self) -> tuple[CellRecord, ...]:
        """The cells whose training has come to an end of its own: done or diverged."""
        return tuple(cell for cell in self.study.cells if cell.status.finished)

    @cached_property
    def by_loss(self) -> Mapping[str, Sequence[CellRecord]]:
        """Adversarial loss -> the cells that have ended with it."""
        groups: dict[str, list[CellRecord]] = {}
        for cell in self.ended:
            groups.setdefault(adversarial_loss(cell), []).append(cell)
        return groups

    @cached_property
    def followed(self) -> Mapping[str, Sequence[CellRecord]]:
        """Adversarial loss -> the cells whose logs are drawn: those that have ended, on a live page all that began."""
        groups: dict[str, list[CellRecord]] = {}
        for cell in self.study.cells:
            if cell.status.finished or (self.live and self._under_way(cell)):
                groups.setdefault(adversarial_loss(cell), []).append(cell)
        return groups

    def _under_way(self, cell: CellRecord) -> bool:
        return not cell.status.damaged and self.store.cell(cell.id).begun

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """The results of all cells that have ended."""
        return tuple(cell.result for cell in self.study.cells if cell.result)

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics that finished cells were measured by, in reading order."""
        results = [cell.measured for cell in self.done if cell.measured]
        written = {name for result in results for scores in result.metrics.values() for name in scores}
        return {metric.name: metric for metric in in_reading_order(written)}

    @cached_property
    def varying(self) -> tuple[Metric, ...]:
        """The metrics on which any two finished cells differ."""
        return tuple(
            metric for name, metric in self.metrics.items() if len({cell.score(name) for cell in self.done}) > 1
        )

    @cached_property
    def primary(self) -> tuple[Metric, ...]:
        """The metrics that arms are ranked by: those declared in the grid file, of which results exist."""
        declared = self.study.compare.primary
        wanted = [name for name in self.metrics if name in declared]
        wanted = wanted or [name for name in self.metrics if name.startswith(PRIMARY) and "@" not in name]
        return tuple(self.metrics[name] for name in wanted if self.metrics[name].direction)

    @cached_property
    def fair(self) -> tuple[Metric, ...]:
        """The primary metrics that look through no network which an arm on the axes was trained against."""
        arms = [arm for arm in self.study.arms if self.study.on_axes(arm)]
        return tuple(each for each in self.primary if not any(arm.trained_against(each.name) for arm in arms))

    @cached_property
    def winners(self) -> list[Winner]:
        """The best arm on each primary metric that has one."""
        found = [winner(self.study, metric.name, metric.better) for metric in self.primary]
        return [each for each in found if each]

    @cached_property
    def originals(self) -> Mapping[str, np.ndarray]:
        """The test images of the reference arm by name, uint8 (3, H, W).

        Raises:
            OSError, ValueError: where they can no longer be read.
        """
        assert self.reference is not None, "an arm has finished"
        return read_originals(self.reference.cells[0].config, self.store.data_cache)

    @cached_property
    def contrasts(self) -> Mapping[str, tuple[Contrast, ...]]:
        """Every comparison to the baseline, by metric; metrics without a better direction have none."""
        compared = dict.fromkeys((*self.primary, *self.varying))
        directions = {metric.name: metric.direction for metric in compared if metric.direction}
        return contrasts(self.study, directions, primary={metric.name for metric in self.primary})

    @cached_property
    def time_shares(self) -> Mapping[tuple[str, str], Interval]:
        """How much longer each level trains than the baseline level, as a share."""
        return time_shares(self.study)

    @cached_property
    def ran_alone(self) -> bool:
        """Whether every measured cell had its device to itself, so that seconds are the arm's own."""
        return all(cell.measured and cell.measured.environment.cells_at_once == 1 for cell in self.done)

    @property
    def alpha(self) -> float:
        """The level of significance that the grid file declares."""
        return self.study.compare.alpha

    @property
    def confidence(self) -> str:
        """The confidence that intervals of what is judged have, in words."""
        return f"{100 * (1 - self.alpha):.6g} %"

    def interval(self, effect: Effect) -> Interval | None:
        """Returns Student's interval of an effect as it is judged, at 1 - alpha; None without pairs."""
        return t_interval(effect.differences, 1 - self.alpha) if effect.differences else None

    @cached_property
    def all_on_axes(self) -> bool:
        """Whether no arm was added beside the axes."""
        return all(self.study.on_axes(arm) for arm in self.study.arms)

    @cached_property
    def finished(self) -> tuple[Arm, ...]:
        """Arms with at least one finished cell."""
        return tuple(arm for arm in self.study.arms if arm.done)

    def means(self, metric: str) -> dict[str, float]:
        """Returns arm -> mean over its seeds, of the finished arms that have a value."""
        return {arm.name: mean for arm in self.finished if (mean := arm.mean(metric)) is not None}

    def is_baseline(self, arm: str) -> bool:
        """Returns whether an arm is the one that others are compared with."""
        return self.study.baseline is not None and self.study.baseline.name == arm

    @cached_property
    def reference(self) -> Arm | None:
        """The baseline arm where it has finished, else the first arm that has."""
        baseline = self.study.baseline
        if baseline is not None and baseline in self.finished:
            return baseline
        return self.finished[0] if self.finished else None

    @cached_property
    def curves(self) -> TrainingCurves:
        """The training logs of all cells that are drawn."""
        return read_curves(self.store, [cell.id for cells in self.followed.values() for cell in cells])

    @cached_property
    def events(self) -> Mapping[str, Sequence[Event]]:
        """Cell -> what its trainings recorded beside their logs, in the order it happened."""
        return {cell.id: self.store.cell(cell.id).events() for cell in self.ended}

    @cached_property
    def tuning(self) -> TuningRecord | None:
        """What was chosen for the arms of a tuned grid; a report of several grids tells none."""
        return None if isinstance(self.store, PooledStore) else self.store.tuning()

    @cached_property
    def beside(self) -> tuple[Beside, ...]:
        """The other codecs that the grid file names, as far as they are known."""
        return beside(self.study, self.store.data_cache)

    @cached_property
    def per_image(self) -> Scores:
        """PSNR of each image under the primary weights."""
        return collect_images(self.study, self.store, "psnr", WEIGHTS[0])

    @cached_property
    def rate_per_image(self) -> Scores:
        """Bits per pixel of each image's file under the primary weights."""
        return collect_images(self.study, self.store, "bpp_actual", WEIGHTS[0])


def adversarial_loss(cell: CellRecord) -> str:
    """Returns the loss type by its name in the registry."""
    adversarial = cell.config.get("loss", {}).get("adversarial", "none")
    return str(adversarial["name"] if isinstance(adversarial, Mapping) else adversarial)
