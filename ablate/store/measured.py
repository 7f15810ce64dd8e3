"""Figures of a cell with those of its measurements, as its grid asks for them now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablate.metrics.catalogue import metrics
from ablate.metrics.naming import TEST, VALIDATION, group_column, split_name
from ablate.records import Measurement, Result
from ablate.records.images import read_images
from ablate.records.measurement import joined
from ablate.store.entry import Entry
from ablate.store.seal import require_whole

if TYPE_CHECKING:
    from ablate.config import Evaluation


Rows = dict[str, dict[str, float | None]]
"""Image -> column -> value."""


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


def image_rows(
    entry: Entry, config: Mapping[str, Any], weights: str, *, table: Literal["images", "jackknife"] = "images"
) -> Rows:
    """Returns the rows of a cell's table by test image, with the columns that measurements added.

    Raises:
        RecordError: for a table that cannot be read.
    """
    rows = {name: dict(row) for name, row in read_images(_path(entry, table), weights).items()}
    found = [(place, record) for place, record in entry.measurements() if _path(place, table).exists()]
    if not found:
        return rows
    from ablate.config import Evaluation

    evaluation: Evaluation = Evaluation.model_validate(config["evaluation"])
    for place, record in found:
        if record.digest != config["data"].get("test_digest"):
            continue
        require_whole(place, record, (str(_path(place, table).relative_to(place.path)),))
        names = _as_wanted(record, evaluation).protocol
        for image, row in read_images(_path(place, table), weights).items():
            more = {name: value for name, value in row.items() if name in names or name.startswith("group ")}
            own = {group_column(name): row["group"] for name in more if "group" in row and name in names}
            rows.setdefault(image, {}).update(own | more)
    return rows


def _path(entry: Entry, table: str) -> Path:
    return entry.images_csv if table == "images" else entry.jackknife_csv


def image_sets(config: Mapping[str, Any], evaluation: Evaluation) -> dict[str, str | None]:
    """Returns the digest of every set of images that a cell is measured on, by its name."""
    validation = config["data"].get("validation_digest")
    return (
        {TEST: config["data"].get("test_digest")}
        | ({VALIDATION: validation} if validation else {})
        | {name: evaluation.set_digests.get(name) for name in evaluation.sets}
    )


def looked_at_alike(name: str, facts: Mapping[str, Any], evaluation: Evaluation) -> bool:
    """Says whether a figure's protocol has the patch that the evaluation wants, and the code that the metric has now.

    It must be of images of which the same region is kept. True where the evaluation wants no such figure.
    """
    if facts.get("region", "all") != evaluation.kept:
        return False
    if split_name(name)[0] in metrics and facts.get("defined_by", "") != metrics.defined_by(name):
        return False
    patches = {(view.name, view.tap): view.patch for view in evaluation.views}
    wanted = patches.get((facts.get("extractor"), facts.get("tap")))  # type: ignore[arg-type]
    return wanted is None or facts.get("patch") == wanted


def _as_wanted(measurement: Measurement, evaluation: Evaluation) -> Measurement:
    protocol = {name: facts for name, facts in measurement.protocol.items() if looked_at_alike(name, facts, evaluation)}
    return measurement.model_copy(update={"protocol": protocol})
