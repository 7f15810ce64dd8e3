"""A tracker that is told of a training which is over, as if it had followed it."""

from __future__ import annotations

from dataclasses import replace

from ablate.records import Status
from ablate.store import Entry
from ablate.terms import Term
from ablate.trackers.catalogue import open_tracker
from ablate.trackers.tracking import tracked_run


def retell(entry: Entry, term: Term) -> None:
    """Tells a tracker of a finished cell: its log points, its events, and how it ended.

    Raises:
        Exception: whatever the tracker raises.
    """
    settings, result = entry.settings(), entry.result()
    assert settings is not None, f"{entry.path} was trained"
    assert result is not None, f"{entry.path} is finished"
    last = entry.last_attempt()
    run = tracked_run(entry, settings, last.number if last else 1, result.step)
    tracker = open_tracker(term, replace(run, over=True))
    tracker.settings(settings.plain())
    for event in entry.events():
        tracker.event(event.step, event.kind, event.detail)
    tracker.close(result.status, result.metrics if result.status is Status.done else {})
