"""What a run that is kept elsewhere is told, by however many attempts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ablate.records import Environment, MetricRow, Status
from ablate.store import Entry
from ablate.terms import Term
from ablate.trackers.catalogue import trackers
from ablate.trackers.continued import Continued
from ablate.trackers.retold import retell
from ablate.trackers.tracker import TrackedRun
from ablate.trackers.tracking import Tracking
from tests.made import made_result
from tests.trackers.attempts import made_entry


@dataclass
class Kept:
    """A keeper that can take nothing back."""

    told: int = 0
    measured: bool = False
    events: list[tuple[int, str]] = field(default_factory=list)

    def parameters(self, settings: Mapping[str, Any]) -> None: ...

    def numbers(self, step: int, found: Mapping[str, float]) -> None: ...

    def event(self, step: int, kind: str, detail: str) -> None:  # noqa: ARG002
        self.events.append((step, kind))

    def end(self, status: Status, step: int, figures: Mapping[str, float]) -> None: ...


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    list(trackers)  # those that ship
    monkeypatch.setattr(trackers, "_entries", dict(trackers._entries))
    keeper = Kept()

    @trackers.register()
    def keeping(run: TrackedRun) -> Continued:
        return Continued(run, keeper, 0)

    return keeper


def attempt(entry: Entry, kept: Kept, begins: int, ends: int, before: Callable[[Tracking], None]) -> None:
    """Is an attempt that logs every fourth step, and at step 6 finds the discriminator saturated."""
    number = entry.begin_attempt(Environment()).number
    tracking = Tracking(entry, number, [Term(name="keeping")])
    before(tracking)
    tracking.begin(begins)
    for step in range(begins + 1, ends + 1):
        if step == 6:
            tracking.event(step, "discriminator_saturated", "")
        if step % 4 == 0:
            tracking.scalars(MetricRow(step=step, attempt=number, loss={"generator": 1.0}))
            kept.told = max(kept.told, step)


def test_how_an_attempt_began_is_told_and_what_it_repeats_is_not(kept: Kept, tmp_path: Path):
    entry = made_entry(tmp_path)
    attempt(entry, kept, 0, 8, lambda _: None)

    def resumes(tracking: Tracking) -> None:
        tracking.event(0, "damaged_checkpoint", "")
        tracking.event(4, "resume", "")

    attempt(entry, kept, 4, 12, resumes)
    told = [(6, "discriminator_saturated"), (0, "damaged_checkpoint"), (4, "resume")]
    assert kept.events == told
    entry.commit(made_result(entry, step=12, metrics={"ema": {"psnr": 30.5}}))
    retell(entry, Term(name="keeping"))
    assert kept.events == told, "afterwards nothing is told again"


def test_a_store_tells_every_event_afterwards_to_one_that_was_not_asked_for(kept: Kept, tmp_path: Path):
    entry = made_entry(tmp_path)
    tracking = Tracking(entry, entry.begin_attempt(Environment()).number)
    tracking.event(4, "resume", "")
    tracking.begin(4)
    tracking.event(6, "discriminator_saturated", "")
    entry.commit(made_result(entry, step=12, metrics={"ema": {"psnr": 30.5}}))
    retell(entry, Term(name="keeping"))
    assert kept.events == [(4, "resume"), (6, "discriminator_saturated")]
