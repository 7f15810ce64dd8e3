"""Records of a training under way: a row of metrics for each log point, and events."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ablate.records.record import Record


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""None where it is not finite: the row of a diverging step is worth keeping, and JSON has no nan."""


class MetricRow(Record):
    """A row of metrics.jsonl: telemetry of one step.

    Losses are unweighted and by term, gradient norms by term and for the encoder, `scales` by discriminator.
    """

    step: int
    attempt: int
    t: float | None = None
    """Seconds since the attempt began to train."""
    phase: str = "train"
    steps_per_second: float | None = None
    loss: dict[str, Number] = Field(default_factory=dict)
    weights: dict[str, Number] = Field(default_factory=dict)
    gradient_norm: dict[str, Number] = Field(default_factory=dict)
    scales: list[dict[str, Number]] = Field(default_factory=list)
    clipped: dict[str, Number] = Field(default_factory=dict)
    """In which share of its steps so far the gradients of a player were clipped, where they are."""
    augment_probability: Number = None
    """With which the discriminators' images are augmented, where that adapts itself."""
    levels_used: int | None = None
    reconstruction_std: Number = None
    image_std: Number = None


DAMAGED_CHECKPOINT, MADE_ANEW, TRACKER_FAILED = "damaged_checkpoint", "made_anew", "tracker_failed"
"""Kinds of events that whoever watches a run is told at once: files that were not as they should be, lost trackers."""


class Event(Record):
    """A row of events.jsonl: an event of an attempt, `t` seconds after its start."""

    step: int
    t: float
    attempt: int
    kind: str
    detail: str
