"""Whether the cells that an effect pairs were measured alike, without which their difference says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ablate.analysis.effects import Effect, cells_at
from ablate.analysis.study import Study
from ablate.metrics.protocol import differences
from ablate.records import CellRecord


def other_protocol(study: Study, effect: Effect) -> str:
    """Says in which decisive facts the first pair of an effect that was not measured alike differs; empty for none.

    Within a grid it takes an axis over the evaluation or the test images themselves.
    """
    for own, other in _pairs(study, effect):
        found = differences(_protocol(own, effect.metric), _protocol(other, effect.metric))
        if found:
            return ", ".join(map(str, found))
    return ""


def _protocol(cell: CellRecord, metric: str) -> dict[str, object]:
    return dict(cell.result.protocol.get(metric, {})) if cell.result else {}


def _pairs(study: Study, effect: Effect) -> Iterator[tuple[CellRecord, CellRecord]]:
    others = cells_at(study, effect.axis, effect.baseline)
    for at, cell in cells_at(study, effect.axis, effect.level).items():
        if at in others:
            yield cell, others[at]
