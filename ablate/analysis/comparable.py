"""Whether the cells that an effect pairs were measured alike and fairly, or else their difference says nothing."""

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


def taught(study: Study, effect: Effect) -> str:
    """Names the sides of an effect whose cells were trained against the network that its metric looks through.

    Such a network says nothing of them: its features are what they were trained to meet. Empty for none.
    """
    pairs = list(_pairs(study, effect))
    said = []
    for side, level in enumerate((effect.level, effect.baseline)):
        count = sum(pair[side].trained_against(effect.metric) for pair in pairs)
        if count:
            said.append(level if count == len(pairs) else f"part of {level}")
    return " and ".join(dict.fromkeys(said))


def _protocol(cell: CellRecord, metric: str) -> dict[str, object]:
    return dict(cell.result.protocol.get(metric, {})) if cell.result else {}


def _pairs(study: Study, effect: Effect) -> Iterator[tuple[CellRecord, CellRecord]]:
    others = cells_at(study, effect.axis, effect.baseline)
    for at, cell in cells_at(study, effect.axis, effect.level).items():
        if at in others:
            yield cell, others[at]
