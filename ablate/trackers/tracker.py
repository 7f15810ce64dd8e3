"""The protocol of a tracker, and what it is told of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ablate.records import MetricRow, Status

if TYPE_CHECKING:
    from torch import Tensor

Figures = Mapping[str, Mapping[str, float | None]]
"""Values of metrics by weights, then by metric; None where one is undefined."""


@dataclass(frozen=True)
class TrackedRun:
    """The training of one cell or warm-up, which several attempts may share."""

    id: str
    label: str
    grid: str
    """Name of its grid; .shared for a warm-up."""
    directory: Path
    """Its entry of the store, where a tracker may keep a file."""
    attempt: int
    step: int
    """At which this attempt begins: what was told of later steps before is void."""
    earlier: tuple[MetricRow, ...] = ()
    """The log points up to that step, which a tracker that was not asked for until now has not been told."""
    over: bool = False
    """Whether the training is over, so that all that it is told of may have been told while it ran."""

    @property
    def results(self) -> Path:
        """The directory of the grid, and of `.shared` for a warm-up."""
        return self.directory.parent.parent


class Tracker(Protocol):
    """Follows one attempt at a training. What it raises is said in the attempt's log, and it is told nothing more."""

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Takes the complete settings as plain data."""

    def scalars(self, row: MetricRow) -> None:
        """Takes what a log point says; `numbers` gives each its name."""

    def images(self, step: int, images: Mapping[str, Tensor]) -> None:
        """Takes the batch of a log point by name, float (N, 3, H, W) in [-1, 1] on the training's device."""

    def event(self, step: int, kind: str, detail: str) -> None:
        """Takes what happened at a step."""

    def close(self, status: Status, figures: Figures) -> None:
        """Ends the attempt: done, diverged, interrupted or failed; `figures` are empty where nothing was measured."""


def numbers(row: MetricRow) -> dict[str, float | None]:
    """Returns the numbers of a log point by name: step, loss/generator, scales/0/accuracy_real."""
    return dict(_numbers(row.plain(), ""))


def _numbers(value: Any, name: str) -> list[tuple[str, float | None]]:
    if isinstance(value, Mapping):
        inside = [(f"{name}/{key}" if name else str(key), each) for key, each in value.items()]
    elif isinstance(value, list | tuple):
        inside = [(f"{name}/{index}", each) for index, each in enumerate(value)]
    else:
        return [] if isinstance(value, str) else [(name, value)]
    return [found for key, each in inside for found in _numbers(each, key)]
