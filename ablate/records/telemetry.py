"""Records of a training under way: a row of metrics for each log point, and events."""

from __future__ import annotations

from pydantic import Field

from ablate.records.record import Record

Number = float | None
"""None where it was not finite."""


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
    levels_used: int | None = None
    reconstruction_std: Number = None
    image_std: Number = None


class Event(Record):
    """A row of events.jsonl: an event of an attempt, `t` seconds after its start."""

    step: int
    t: float
    attempt: int
    kind: str
    detail: str
