"""Warnings about finished cells that do not compare with those to come."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.execute.capacity import Capacity
from ablate.execute.environment import code_fingerprint
from ablate.execute.planning import Plan
from ablate.records import Environment
from ablate.store import Store


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
