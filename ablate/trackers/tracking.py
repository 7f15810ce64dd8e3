"""All trackers of one attempt at a training."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from ablate.records import CellSettings, MetricRow, Status, WarmupSettings
from ablate.records.telemetry import TRACKER_FAILED
from ablate.store import Entry
from ablate.terms import Term
from ablate.trackers.catalogue import open_tracker
from ablate.trackers.store_rows import StoreRows
from ablate.trackers.tracker import Figures, TrackedRun, Tracker

if TYPE_CHECKING:
    from torch import Tensor


class Tracking:
    """Tells every tracker of a training: the store's rows first, then those that were asked for by name.

    One that was asked for and fails never stops the training: that is said once, where the attempt prints to.
    """

    def __init__(self, entry: Entry, attempt: int, terms: Sequence[Term] = ()) -> None:
        self.entry = entry
        self.attempt = attempt
        self._terms = terms
        self._rows = StoreRows(entry)
        self._others: dict[str, Tracker] = {}
        self._begun = False
        self._before: list[tuple[int, str, str]] = []
        """What happened before the trackers were opened: a state that was loaded, or a damaged one."""
        self._step = 0
        self._end: tuple[Status, Figures] = (Status.failed, {})

    def begin(self, step: int) -> None:
        """Opens the trackers for a training that begins, or goes on, at a step, and tells them what happened before."""
        self._begun = True
        if not self._terms:
            return
        settings = self.entry.settings()
        for term in self._terms:
            with self._leaving_out(term.name):
                run = tracked_run(self.entry, settings, self.attempt, step)
                self._others[term.name] = open_tracker(term, run)
                self._others[term.name].settings(settings.plain() if settings else {})
        for event in self._before:
            self._tell("event", *event)

    def scalars(self, row: MetricRow) -> None:
        """Tells what a log point says."""
        self._step = row.step
        self._rows.scalars(row)
        self._tell("scalars", row)

    def images(self, step: int, images: Mapping[str, Tensor]) -> None:
        """Shows the batch of a log point."""
        self._tell("images", step, images)

    def event(self, step: int, kind: str, detail: str) -> None:
        """Tells what happened at a step; the trackers once they are open."""
        self._rows.event(step, kind, detail)
        if self._begun:
            self._tell("event", step, kind, detail)
        else:
            self._before.append((step, kind, detail))

    def ends(self, status: Status, figures: Figures = MappingProxyType({})) -> None:
        """Takes how the attempt ends; it has failed where nobody says so."""
        self._end = status, figures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tell("close", *self._end)

    def _tell(self, method: str, *told: object) -> None:
        for name, tracker in list(self._others.items()):
            with self._leaving_out(name):
                getattr(tracker, method)(*told)

    @contextmanager
    def _leaving_out(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a tracker does, the training is worth more
            self._others.pop(name, None)
            traceback.print_exc()
            said = f"the tracker {name} failed, and is told nothing more: {type(error).__name__}: {error}"
            sys.stdout.write(f"{said}\n")
            self._rows.event(self._step, TRACKER_FAILED, said)


def tracked_run(entry: Entry, settings: CellSettings | WarmupSettings | None, attempt: int, step: int) -> TrackedRun:
    """Returns what a tracker is opened with for an entry whose training begins, goes on or ended at a step."""
    earlier = tuple(row for row in entry.metrics() if row.step <= step) if step else ()
    label = (settings.label or "") if settings else ""
    return TrackedRun(entry.path.name, label, entry.path.parent.parent.name, entry.path, attempt, step, earlier)
