"""Warnings about what lies in a store already: cells that do not compare or have left the grid, and another grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablate.execute.capacity import Capacity
from ablate.execute.environment import code_fingerprint
from ablate.execute.plan import Plan
from ablate.records import Environment, PlanRecord, RecordError
from ablate.records.plan import setting_label
from ablate.store import Entry, Store
from ablate.store.garbage import planned

NAMED_AT_MOST = 3
"""How many arms a sentence names."""


def environments(plan: Plan, store: Store) -> list[Environment]:
    """Returns the environments that the finished cells of a plan were made in."""
    results = [store.cell(point.id).readable_result() for point in plan.points]
    return [result.environment for result in results if result and result.environment.fingerprint]


def other_code(finished: Sequence[Environment]) -> str | None:
    """Returns a warning where the environments of finished cells are of other code than this."""
    other = {str(each.fingerprint) for each in finished} - {code_fingerprint()}
    if not other:
        return None
    return (
        f"warning: finished cells of this grid were made by other code ({', '.join(sorted(other))}; now "
        f"{code_fingerprint()}); they are kept, and the report says so"
    )


def of_another_file(plan: Plan, store: Store) -> str | None:
    """Returns a warning where the store has a grid of that name already, from another file with other content."""
    try:
        earlier = store.plan()
    except RecordError:
        return None
    now = plan.record
    if earlier is None or earlier.grid_sha256 == now.grid_sha256:
        return None
    if earlier.directory == now.directory and earlier.file in ("", now.file):
        return None
    was, here = (Path(each.directory, each.file) for each in (earlier, now))
    return (
        f"warning: {store.path} holds a grid of that name from {was}, and this is {here}: if they are two grids, give "
        "one of them another name; what both mean is shared, and reports by name show the one that ran last"
    )


def left_behind(plan: PlanRecord, store: Store) -> str | None:
    """Returns a sentence where cells that were finished are no longer in the grid, with their arms."""
    try:
        kept = planned(store, plan)
    except RecordError:
        return None  # which trials are the grid's is not known; whoever reads tuning.json says what is wrong with it
    gone = [entry for entry in store.cells() if entry.path.name not in kept and entry.readable_result()]
    if not gone:
        return None
    arms = sorted({setting_label(label) for entry in gone if (label := _label(entry))})
    named = ", ".join(arms[:NAMED_AT_MOST]) + (", …" if len(arms) > NAMED_AT_MOST else "")
    named = f" ({named})" if named else ""
    count = "1 finished cell has" if len(gone) == 1 else f"{len(gone)} finished cells have"
    return f"{count} left the grid{named}: kept in the store, shown by no report; `ablate store gc` tells their size"


def _label(entry: Entry) -> str | None:
    try:
        settings = entry.cell_settings()
    except RecordError:
        return None
    return settings.label if settings else None


def on_threads(finished: Sequence[Environment], capacity: Capacity) -> str | None:
    """Returns a warning where the environments of finished cells have other numbers of threads."""
    other = {each.threads or 1 for each in finished if each.device == capacity.device == "cpu"} - {capacity.threads}
    if not other:
        return None
    before = " and ".join(map(str, sorted(other)))
    return (
        f"warning: finished cells of this grid were trained with --threads {before} (now {capacity.threads}), which "
        "moves a result like another seed; they are kept, and the report says so"
    )
