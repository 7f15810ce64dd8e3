"""Records of what an entry of the store trains: cell.json and warmup.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ablate.records.record import Record


class CellSettings(Record):
    """cell.json: the complete settings of a cell with its identity and its place in a grid."""

    id: str
    sha256: str | None = None
    schema_version: Literal[1] = Field(1, alias="schema")
    label: str | None = None
    axes: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    warmup: str | None = None
    cell: dict[str, Any]

    @property
    def name(self) -> str:
        """Id and label."""
        return f"{self.id} ({self.label})" if self.label else self.id


class WarmupSettings(Record):
    """warmup.json: the complete settings of a warm-up with its identity."""

    id: str
    sha256: str | None = None
    schema_version: Literal[1] = Field(1, alias="schema")
    label: str
    seed: int
    warmup: dict[str, Any]

    @property
    def steps(self) -> int:
        """Steps of the warm-up."""
        return int(self.warmup["steps"])


def last_step(cell: Mapping[str, Any]) -> int:
    """Returns the step that a cell's own training ends at, by its settings as plain data."""
    train = cell["train"]
    return int(train.get("stop_at") or train["steps"])
