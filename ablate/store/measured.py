"""Figures of a cell with those of its measurements, as its grid asks for them now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablate.metrics.naming import TEST
from ablate.records import Measurement, Result
from ablate.records.measurement import joined
from ablate.store.entry import Entry

if TYPE_CHECKING:
    from ablate.config import Evaluation


def with_measurements(entry: Entry, result: Result, config: Mapping[str, Any]) -> Result:
    """Returns the result of a cell with what was measured beside it.

    A measurement counts under the name that the grid gives its set of images; one of a set that the grid does not name
    is left out, and so is a distance by another patch than the evaluation's.

    Raises:
        RecordError: for a measurement that cannot be read.
    """
    found = [measurement for _, measurement in entry.measurements()]
    if not found:
        return result
    from ablate.config import Evaluation  # a status is read without it

    evaluation: Evaluation = Evaluation.model_validate(config["evaluation"])
    sets = image_sets(config, evaluation)
    named = [
        (name, _as_wanted(measurement, evaluation))
        for measurement in found
        for name, digest in sets.items()
        if digest == measurement.digest
    ]
    return joined(result, named)


def image_sets(config: Mapping[str, Any], evaluation: Evaluation) -> dict[str, str | None]:
    """Returns the digest of every set of images that a cell is measured on, by its name."""
    return {TEST: config["data"].get("test_digest")} | {
        name: evaluation.set_digests.get(name) for name in evaluation.sets
    }


def looked_at_alike(facts: Mapping[str, Any], evaluation: Evaluation) -> bool:
    """Says whether a figure's protocol has the patch that the evaluation wants; true where it wants no such figure."""
    patches = {(view.name, view.tap): view.patch for view in evaluation.views}
    wanted = patches.get((facts.get("extractor"), facts.get("tap")))  # type: ignore[arg-type]
    return wanted is None or facts.get("patch") == wanted


def _as_wanted(measurement: Measurement, evaluation: Evaluation) -> Measurement:
    protocol = {name: facts for name, facts in measurement.protocol.items() if looked_at_alike(facts, evaluation)}
    return measurement.model_copy(update={"protocol": protocol})
