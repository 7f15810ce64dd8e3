"""Record of a finished entry: how it ended, its figures, how they were measured, what it cost and what it left."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from ablate.records.attempt import Environment
from ablate.records.record import Record, SealedRecord
from ablate.records.status import Status
from ablate.records.weights import WEIGHTS

Number = int | float | None
Protocol = dict[str, JsonValue]
"""Facts of how a figure was measured; see `ablate.metrics.protocol`."""


class Uncertainty(Record):
    """Standard error and interval of a figure over the images; None where a figure has none."""

    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


class CodecFacts(Record):
    """Parameter counts by part, and the model ids that the files of each set of weights name."""

    parameters: dict[str, int] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)
    judge_sha256: str | None = None
    """Of the weights of the frozen network that the discriminators judged through, which no checkpoint holds."""


class MeasuredImages(Record):
    """Which images a cell was measured on anew, and why others were left out."""

    folder: str
    digest: str
    count: int
    skipped: list[tuple[str, str]] = Field(default_factory=list)


class Remade(Record):
    """When derived files were made anew, in seconds since 1970, and in which environment."""

    time: float
    environment: Environment


class Result(SealedRecord):
    """result.json: from the moment that it stands there an entry is finished and never trained again.

    `metrics` and `uncertainty` are by weights, then by metric; a figure that is undefined is None.
    """

    REMEDY: ClassVar[str] = "copy the file back, or delete the entry's directory and run the grid again"

    schema_version: Literal[1] = Field(1, alias="schema")
    id: str
    results_version: int | None = None
    status: Literal[Status.done, Status.diverged]
    step: int
    cause: str | None = None
    """Why it diverged."""
    train_seconds: float | None = None
    seconds: float
    """Training and evaluation together."""
    metrics: dict[str, dict[str, Number]] = Field(default_factory=dict)
    uncertainty: dict[str, dict[str, Uncertainty]] = Field(default_factory=dict)
    protocol: dict[str, Protocol] = Field(default_factory=dict)
    eval_seconds: float | None = None
    images_per_second: float | None = None
    peak_memory_bytes: int | None = None
    measured_images: MeasuredImages | None = Field(None, alias="pictures")
    """Of a cell that was measured anew on other images; None for the result of its training."""
    codec: CodecFacts = Field(default_factory=CodecFacts)
    environment: Environment = Field(default_factory=Environment)
    artefacts: dict[str, str] = Field(default_factory=dict)
    """sha256 of every file that the entry left, by its relative path; before 0.2 of weights and tables alone."""
    sizes: dict[str, int] = Field(default_factory=dict)
    """Bytes of these files."""

    def trained_against(self, metric: str) -> bool:
        """Tells whether the codec was trained against the network that a metric looks through."""
        return bool(self.protocol.get(metric, {}).get("trained_against"))

    remade: Remade | None = None
    """That derived files were altered or lost, and made anew with other bytes: figures are of then."""

    def score(self, metric: str, weights: str = WEIGHTS[0]) -> Number:
        """Returns a figure, None where it was not measured or is undefined."""
        return self.metrics.get(weights, {}).get(metric)
