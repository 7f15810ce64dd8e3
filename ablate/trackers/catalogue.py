"""The trackers by name: what [execution] trackers and --track ask for."""

from __future__ import annotations

from collections.abc import Callable

from ablate.plugins.checked import complete
from ablate.registry import Registry
from ablate.trackers.tracker import TrackedRun, Tracker

trackers = Registry(
    "tracker",
    "ablate.trackers.csv_file",
    check=complete("a tracker", "settings", "scalars", "images", "event", "close"),
)
"""Functions from a `TrackedRun` to its `Tracker`."""


def open_tracker(name: str, run: TrackedRun) -> Tracker:
    """Opens a tracker for an attempt at a training."""
    opened: Callable[[TrackedRun], Tracker] = trackers[name].function
    return opened(run)
