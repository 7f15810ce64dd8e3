"""All cells that a grid file means, as they are run and as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.records import PlannedCell, PlannedWarmup, PlanRecord
from ablate.store import Store
from ablate.store.plugins import keep, offer


@dataclass(frozen=True)
class Plan:
    """All cells that a grid file means, and the plan.json that says so."""

    record: PlanRecord
    text: bytes
    faults: tuple[str, ...] = ()
    """Plugins that could not be loaded, a sentence for each: results can be read, and nothing can be run."""

    @property
    def name(self) -> str:
        """The name of the grid, which is also its directory in the store."""
        return self.record.name

    @property
    def points(self) -> tuple[PlannedCell, ...]:
        """The cells in the order of the grid."""
        return self.record.points

    @property
    def warmups(self) -> Mapping[str, PlannedWarmup]:
        """The warm-ups that cells start from, by id."""
        return self.record.warmups

    def write(self, store: Store) -> None:
        """Leaves the plan and a copy of the grid file in the store."""
        store.write_grid(self.text)
        keep(store.path, self.record.plugins)
        store.write_plan(self.record)


def stored_plan(store: Store) -> Plan | None:
    """Returns the plan of the latest run as it stands, without asking whether grid file or plugins changed since.

    Raises:
        ValueError: where it was written by an ablate with other files.
    """
    record = store.plan()
    if record is None:
        return None
    store.require_grid(record)
    return Plan(record, grid_copy(store), tuple(offer(record.plugins)))


def grid_copy(store: Store) -> bytes:
    """Returns the grid file as it was when it last ran; empty where the copy is gone."""
    try:
        return (store.path / "grid.toml").read_bytes()
    except FileNotFoundError:
        return b""
