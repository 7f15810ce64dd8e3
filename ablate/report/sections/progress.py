"""How far a grid is that is still run: the first screen of a page that is rewritten meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ablate.execute.snapshot import Running, Snapshot
from ablate.records import Status
from ablate.report.document import Block, Card, Cards, Section, strong, text
from ablate.report.numbers import NONE, duration, fixed, plural
from ablate.report.tables import number, numbers, part, table, words

SHOWN = (Status.done, Status.running, Status.diverged, Status.failed)
"""Statuses that have a card also where no cell has them; what is not begun or was stopped is pending."""


def progress(grids: Sequence[tuple[str, Snapshot]], every: int) -> Section:
    """Returns counts, what is under way, and when all is done; `every` is after how many seconds the page is anew."""
    counts = {status: sum(seen.cells[status] for _, seen in grids) for status in Status}
    total, finished = sum(counts.values()), sum(count for status, count in counts.items() if status.finished)
    running = [(name, each) for name, seen in grids for each in seen.running]
    left = max((seen.seconds_left for _, seen in grids), default=0.0)
    guess = "" if all(seen.measured for _, seen in grids) else " (a guess)"
    lead = text(
        strong(f"{finished} of {plural(total, 'cell')} finished"),
        f", {plural(len(running), 'training')} under way; about {duration(left)} left{guess}.",
        kind="lead",
    )
    verdicts = text(
        f"There is no verdict before every seed of every arm is there: {plural(total - finished, 'cell')} to go. "
        "Whoever looks at differences while they come in finds some that are none. "
        f"Written at {time.strftime('%H:%M:%S')}; the page loads itself anew every {every} s.",
        kind="note",
    )
    pending = counts[Status.pending] + counts[Status.interrupted]
    cards = [Card(status, f"{counts[status]:,}") for status in SHOWN]
    cards += [Card(status, f"{counts[status]:,}", tone="bad") for status in Status if status.damaged and counts[status]]
    blocks: list[Block] = [lead, Cards((*cards, Card("pending", f"{pending:,}"))), verdicts]
    if running:
        blocks.append(_table(running))
    data = {
        "cells": {status.value: count for status, count in counts.items() if count},
        "fraction": min((seen.fraction for _, seen in grids), default=1.0),
        "seconds_left": left,
        "running": [{"grid": name, **vars(each)} for name, each in running],
    }
    return Section("progress", "Progress", tuple(blocks), data)


def _table(running: Sequence[tuple[str, Running]]) -> Block:
    return table(
        "running", "Under way", running,
        words("training", lambda each: each[1].label),
        words("phase", lambda each: each[1].phase),
        numbers("step", lambda each: part(each[1].step, each[1].steps)),
        numbers("loss", lambda each: number(each[1].loss, 3)),
        words("steps/s", lambda each: NONE if each[1].steps_per_second is None else fixed(each[1].steps_per_second, 1)),
    )  # fmt: skip
