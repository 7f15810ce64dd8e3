"""Records of a measurement: the figures of a trained cell's weights on a set of images, by a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from ablate.metrics.naming import on_set, split_name
from ablate.records.record import Record
from ablate.records.result import Result


class MeasurementSettings(Record):
    """measurement.json: what is measured, and of what; written before it is."""

    id: str
    schema_version: Literal[1] = Field(1, alias="schema")
    label: str
    of: str
    """Id of the cell."""
    weights: str
    """sha256 of the cell's weights.pt."""
    images: str
    """Name of the set of images."""
    digest: str
    """Digest of the images."""
    metrics: tuple[str, ...]
    cell: dict[str, Any]
    """Complete settings of the cell, with the evaluation that is asked for."""


class Measurement(Result):
    """result.json of a measurement; `step` counts the reconstructions that were measured."""

    of: str
    weights: str
    images: str
    digest: str
    time: float | None = None
    """When it was made, in seconds since 1970."""


def joined(result: Result, measurements: Sequence[tuple[str, Measurement]]) -> Result:
    """Returns a cell's result with the figures of measurements beside its own.

    Each measurement comes with the name of the set that its figures shall have; later ones have the last word, and
    what is no figure of a metric is taken from none. Where there is none, the result is the same object.
    """
    if not measurements:
        return result
    kept: dict[str, Any] = {name: dict(getattr(result, name)) for name in ("metrics", "uncertainty", "protocol")}
    for images, found in measurements:
        names = list(found.protocol)
        kept["protocol"] |= {on_set(name, images): found.protocol[name] for name in names}
        for part in ("metrics", "uncertainty"):
            for weights, figures in getattr(found, part).items():
                own = {on_set(name, images): figures[name] for name in _beside(names, figures)}
                kept[part][weights] = {**kept[part].get(weights, {}), **own}
    return result.model_copy(update=kept)


def _beside(names: Sequence[str], figures: Any) -> list[str]:
    """Returns the figures of the named metrics, and what was computed beside them."""
    named = [split_name(name) for name in names]
    found = []
    for each in figures:
        plain, images = split_name(each)
        if any(images == of and (plain == name or plain.startswith(f"{name}_")) for name, of in named):
            found.append(each)
    return found
