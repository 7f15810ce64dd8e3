"""Events of trainings: divergence, collapse, discriminators that have won."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ablate.records import Event
from ablate.report.document import Block, Figure, text
from ablate.report.evidence import Evidence
from ablate.report.figures import draw, name_rows
from ablate.report.numbers import joined, plural
from ablate.report.svg import MARKERS, MUTED, SERIES

ORDINARY = ("resume",)
"""Kinds of events that say nothing about a training."""

ENDS = ("nonfinite", "collapse")
"""Kinds of events that end a training as diverged."""


def event_blocks(evidence: Evidence) -> list[Block]:
    """Returns a strip of all events by loss type and step, or the sentence that there were none."""
    events = {cell.id: _events(evidence, cell.id) for cell in evidence.ended}
    kinds = Counter(kind for found in events.values() for kind in dict.fromkeys(event.kind for event in found))
    ended = plural(len(events), "training")
    if not kinds:
        said = f"None of {ended} diverged, collapsed or let its discriminators win outright."
        if len(events) == 1:
            said = "The one training neither diverged nor collapsed, nor did its discriminators win outright."
        return [text(said)]
    told = joined([f"{_words(kind)} in {plural(count, 'training')}" for kind, count in kinds.items()])
    return [text(f"Of {ended}: {told}."), _figure(evidence, events, list(kinds))]


def _events(evidence: Evidence, cell: str) -> list[Event]:
    """Returns a cell's events of note; where it was resumed, those of steps that were taken again once."""
    events = [event for event in evidence.events[cell] if event.kind not in ORDINARY]
    return list({(event.kind, event.step): event for event in events}.values())


def _words(kind: str) -> str:
    known = {"nonfinite": "a loss that is not finite", "discriminator_saturated": "saturated discriminators"}
    return known.get(kind, kind.replace("_", " "))


def _figure(evidence: Evidence, events: Mapping[str, Sequence[Event]], kinds: Sequence[str]) -> Figure:
    losses = {loss: cells for loss, cells in evidence.by_loss.items() if any(events[cell.id] for cell in cells)}
    last = max(cell.steps for cell in evidence.study.cells)
    with draw("events", 1.0 + 0.32 * len(losses)) as drawn:
        panel = drawn.canvas.subplots()
        # Kinds of events stand a little above each other within the row of their loss type.
        for number, kind in enumerate(kinds):
            points = [
                (event.step, row)
                for row, cells in enumerate(losses.values())
                for cell in cells
                for event in events[cell.id]
                if event.kind == kind
            ]
            steps, rows = zip(*points, strict=True)
            shift = (number - (len(kinds) - 1) / 2) * 0.22
            panel.plot(
                steps, [row + shift for row in rows], "X" if kind in ENDS else MARKERS[number % 3], alpha=0.7,
                color=SERIES[1][0] if kind in ENDS else (SERIES[0][0] if not number else MUTED), markersize=6.5,
                markeredgewidth=0, label=_words(kind), linestyle="none",
            )  # fmt: skip
        name_rows(panel, list(losses))
        panel.set_xlim(0, last * 1.01)
        panel.set_xlabel("step")
        drawn.canvas.legend(loc="outside lower left", ncols=len(kinds))
        return drawn.figure(
            "Events of trainings by loss type and step",
            "One mark an event of a training, by loss type. Saturated: every discriminator is right about at least 99% "
            "of patches, real and reconstructed. Crosses end a training, which then counts as diverged.",
        )
