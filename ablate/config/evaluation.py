"""The protocol that a finished codec is measured by, and the metrics that it measures."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from ablate.metrics.catalogue import extractors, metrics
from ablate.metrics.naming import distance_name, kernel_name
from ablate.registry import unknown
from ablate.settings import Settings


def _known_extractor(name: str) -> str:
    return extractors[name].name


def _learned_metric(name: str) -> str:
    known = ["none", *(each for each in metrics if metrics[each].learned)]
    if name not in known:
        raise ValueError(unknown("perceptual distance", name, known))
    return name


class Evaluation(Settings):
    """The protocol that the finished codec is measured by.

    `perceptual` names a distance over a network whose weights a user brings along: one more figure an image.
    """

    extractor: Annotated[str, AfterValidator(_known_extractor)] = "lite0"
    tap: int = 112
    patch: int = Field(64, ge=32)
    perceptual: Annotated[str, AfterValidator(_learned_metric)] = "none"

    @model_validator(mode="after")
    def _tap_exists(self) -> Evaluation:
        taps = extractors[self.extractor].facts["taps"]
        if self.tap not in taps:
            there = " and ".join(map(str, taps))
            raise ValueError(f"evaluation.extractor = {self.extractor!r} has the tap {there}, not {self.tap}")
        return self

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the metrics that are measured because these settings say so."""
        named = () if self.perceptual == "none" else (self.perceptual,)
        return (distance_name(self.extractor, self.tap), kernel_name(self.extractor, self.tap), *named)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics that are measured."""
        return tuple(name for name in metrics if name in self.chosen or not metrics[name].by_choice)
