"""The rows of the store: what reports are made of, so that a failure here is the training's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablate.records import MetricRow, Status
from ablate.store import Entry
from ablate.trackers.tracker import Figures

if TYPE_CHECKING:
    from torch import Tensor


class StoreRows:
    """Writes metrics.jsonl and events.jsonl of an entry; settings and figures stand in records of their own."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def settings(self, settings: Mapping[str, Any]) -> None:
        """They were written when the attempt began."""

    def scalars(self, row: MetricRow) -> None:
        self._entry.append_metrics(row)

    def images(self, step: int, images: Mapping[str, Tensor]) -> None:
        """Those of the test split are kept, once the training is over."""

    def event(self, step: int, kind: str, detail: str) -> None:
        self._entry.append_event(step, kind, detail)

    def close(self, status: Status, figures: Figures) -> None:
        """They stand in result.json."""
