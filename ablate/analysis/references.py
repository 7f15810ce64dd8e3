"""Other codecs beside a study: their points, and on which metrics they may be compared with its cells, or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ablate.analysis.bjontegaard import Curve, CurveDifference, bd_quality, bd_rate
from ablate.analysis.study import Study
from ablate.config import Data, Evaluation
from ablate.evaluate.curve import IDENTICAL, RATE, ReferenceCurve
from ablate.evaluate.reference_curves import CodecReference
from ablate.metrics.naming import TEST, rate_of, split_name
from ablate.metrics.protocol import Difference, differences
from ablate.records import Reference


class Incomparable(StrEnum):
    """Why a metric of a reference says nothing about the cells."""

    images_unknown = "images_unknown"
    images_differ = "images_differ"
    convention_unknown = "convention_unknown"
    protocol_differs = "protocol_differs"


class Missing(StrEnum):
    """Why a reference has no points at all."""

    not_measured = "not_measured"
    unreadable = "unreadable"


@dataclass(frozen=True)
class Refusal:
    """A reason against a comparison; `facts` are those in which two protocols differ."""

    reason: Incomparable
    facts: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Beside:
    """A reference as it is known: its points, or why there are none, and what speaks against each of its metrics.

    `cause` is the sentence of what could not be read.
    """

    declared: Reference
    curve: ReferenceCurve | None
    missing: Missing | None = None
    cause: str = ""
    refused: Mapping[str, Refusal | None] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What tables and figures call it."""
        return self.declared.label

    def comparable(self, metric: str) -> bool:
        """Returns whether points of the metric, over their bits, may stand among those of the cells."""
        return all(name in self.refused and self.refused[name] is None for name in (metric, rate_of(metric)))

    def points(self, metric: str) -> list[tuple[float, float]]:
        """Returns bits and figure of each point that has both, on the images that the metric is of."""
        points = self.curve.points if self.curve else ()
        pairs = [(at.values.get(rate_of(metric)), at.values.get(metric)) for at in points]
        return [(rate, value) for rate, value in pairs if rate is not None and value is not None]


@dataclass(frozen=True)
class Against:
    """Bjøntegaard differences of a curve of the study to a reference; `refused` says why there are none."""

    rate: CurveDifference | None
    quality: CurveDifference | None
    refused: tuple[str, ...]


def beside(study: Study, cache: Path) -> tuple[Beside, ...]:
    """Reads what is known of every reference of a study; measures nothing."""
    if not study.references or not study.cells:
        return ()
    cell = next((cell for cell in study.cells if cell.measured), study.cells[0])
    data = Data.model_validate(cell.config["data"])
    evaluation = Evaluation.model_validate(cell.config["evaluation"])
    protocol = cell.measured.protocol if cell.measured else {}
    found = []
    for declared, directory in study.references:
        try:
            curve = CodecReference(declared, data, evaluation, cache, directory).curve()
        except (OSError, ValueError) as error:
            found.append(Beside(declared, None, Missing.unreadable, str(error)))
            continue
        if curve is None:
            found.append(Beside(declared, None, Missing.not_measured))
            continue
        every = dict.fromkeys(name for point in curve.points for name in point.values)
        names = [name for name in every if split_name(name)[0] != IDENTICAL]
        digests = {TEST: data.test_digest or "", **evaluation.set_digests}
        refused = {
            name: refusal(declared, curve, name, digests.get(split_name(name)[1], ""), protocol.get(name, {}))
            for name in names
        }
        found.append(Beside(declared, curve, refused=refused))
    return tuple(found)


def refusal(
    declared: Reference, curve: ReferenceCurve, metric: str, digest: str, protocol: Mapping[str, Any]
) -> Refusal | None:
    """Returns what forbids to compare a metric with that of cells; None where nothing does.

    Args:
        declared: what the grid file says of the reference.
        curve: its points.
        metric: by name.
        digest: of the images of the cells that the metric is of.
        protocol: of the metric of the cells.
    """
    if curve.protocol is not None:
        facts = differences(curve.protocol.get(metric, {}), protocol)
        return Refusal(Incomparable.protocol_differs, facts) if facts else None
    if declared.images is not None and not digest.startswith(declared.images):
        return Refusal(Incomparable.images_differ)
    if declared.images is None and not declared.same_images:
        return Refusal(Incomparable.images_unknown)
    # Bits per pixel have one definition.
    plain = split_name(metric)[0]
    if plain != RATE and plain not in declared.same_convention:
        return Refusal(Incomparable.convention_unknown)
    return None


def against(own: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> Against:
    """Compares points (bits per pixel, value) with those of a reference, in bits and at equal bits."""
    found: dict[str, CurveDifference] = {}
    refused: dict[str, None] = {}
    for name, difference in (("rate", bd_rate), ("quality", bd_quality)):
        try:
            found[name] = difference(Curve.of(own), Curve.of(other))
        except ValueError as error:
            refused[str(error)] = None
    return Against(found.get("rate"), found.get("quality"), tuple(refused))
