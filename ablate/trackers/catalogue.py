"""The trackers by name: what [execution] trackers and --track ask for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable

from ablate.plugins.checked import complete
from ablate.registry import AbsentError, Registry
from ablate.terms import Term
from ablate.trackers.tracker import TrackedRun, Tracker

trackers = Registry(
    "tracker",
    "ablate.trackers.csv_file",
    "ablate.trackers.tensorboard_events",
    "ablate.trackers.mlflow_run",
    "ablate.trackers.wandb_run",
    "ablate.trackers.trackio_run",
    facts={"preload": ()},
    check=complete("a tracker", "settings", "scalars", "images", "event", "close"),
)
"""Functions from a `TrackedRun` to its `Tracker`. `preload` names modules that it needs, the first by its package; the
process that workers are forked from imports them once."""


def open_tracker(term: Term, run: TrackedRun) -> Tracker:
    """Opens a tracker for an attempt at a training."""
    entry = trackers[term.name]
    opened: Callable[..., Tracker] = entry.function
    return opened(run, **entry.resolve(term.options))


def require_trackers(terms: Iterable[Term]) -> None:
    """Refuses trackers that there are not, their unknown options, and those whose package is not installed.

    Raises:
        ValueError: with what there is, or with the command that installs what is missing.
    """
    for term in terms:
        entry = trackers[term.name]
        entry.resolve(term.options)
        package = next(iter(entry.facts["preload"]), None)
        if package and importlib.util.find_spec(package.partition(".")[0]) is None:
            name = package.partition(".")[0]
            raise AbsentError(
                f"the tracker {term.name} needs the package {name}, which is not installed: "
                f"`pip install '.[{term.name}]'` in the clone of ablate"
            )


def modules(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the modules that trackers need, in the order of the names; none for a name that there is not."""
    known = set(trackers)
    return tuple(module for name in names if name in known for module in trackers[name].facts["preload"])
