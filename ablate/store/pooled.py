"""The stores of several grids as one, for who only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ablate.store.entry import Entry
from ablate.store.layout import Store


@dataclass(frozen=True)
class PooledStore(Store):
    """A store whose cells lie with their own grids; all under one root, so that what is shared is shared."""

    grids: Mapping[str, str] = field(default_factory=dict)
    """Cell -> its grid."""

    def cell(self, cell_id: str) -> Entry:
        """Returns the entry of a cell in its own grid."""
        return Store(self.root, self.grids.get(cell_id, self.grid)).cell(cell_id)
