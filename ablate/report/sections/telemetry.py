"""State of trainings at their end, a row a loss type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.records import Status
from ablate.report.document import Table, Value
from ablate.report.evidence import Evidence, adversarial_loss
from ablate.report.tables import numbers, part, table, words

Row = Mapping[str, Any]
"""A loss type with its counts and means."""


def telemetry(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns one row a loss type: outcomes, events, and where training stood at its last log point."""
    rows = []
    for loss in dict.fromkeys(adversarial_loss(cell) for cell in evidence.study.cells):
        ended = evidence.by_loss.get(loss, ())
        events = Counter(event.kind for cell in ended for event in evidence.events[cell.id])
        ids = [cell.id for cell in ended if cell.status is Status.done]
        last = {name: _last(evidence, name, ids) for name in ("scale1.accuracy_real", "scale1.accuracy_fake")}
        terms = [_last(evidence, f"gradient_norm.{term}", ids) for term in ("adversarial", "distortion")]
        ratio = terms[0] / terms[1] if terms[0] is not None and terms[1] else None
        used = [value for cell in ended if (value := cell.score("levels_used")) is not None]
        dead = [value for cell in ended if (value := cell.score("dead_channels")) is not None]
        rows.append(
            {
                "loss": loss, "ended": len(ended), "diverged": sum(cell.status is Status.diverged for cell in ended),
                "events": dict(events), **last, "adversarial_to_distortion": ratio,
                "levels_used": min(used, default=None), "dead_channels": max(dead, default=None),
            }
        )  # fmt: skip
    return rows


def _last(evidence: Evidence, quantity: str, ids: Sequence[str]) -> float | None:
    import numpy as np

    values = evidence.curves.mean(quantity, ids)
    finite = values[np.isfinite(values)] if values is not None else []
    return float(finite[-1]) if len(finite) else None


def telemetry_table(found: Sequence[Row]) -> Table:
    """Returns the rows of `telemetry` as a table."""

    def diverged(row: Row) -> Value:
        return part(row["diverged"], row["ended"], tone="bad" if row["diverged"] else "plain")

    def events(row: Row) -> str:
        return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(row["events"].items())) or "none"

    return table(
        "telemetry", "Telemetry by loss type", found,
        words("loss type", lambda row: str(row["loss"])),
        numbers("diverged", diverged),
        numbers("right on real", lambda row: row["scale1.accuracy_real"], decimals=2),
        numbers("right on fake", lambda row: row["scale1.accuracy_fake"], decimals=2),
        numbers("adv. : dist.", lambda row: row["adversarial_to_distortion"], decimals=2),
        numbers("levels used", lambda row: row["levels_used"]),
        numbers("dead channels", lambda row: row["dead_channels"]),
        words("events", events),
        caption="At the last log point, mean over finished cells: share of real images and of reconstructions that the "
        "finest discriminator judges rightly, and how much larger the adversarial gradient is than the distortion's. "
        "Of the measured codecs: the fewest quantizer levels used and the most channels that hold one symbol "
        "throughout.",
    )  # fmt: skip
