"""Bits at which reference codecs stand beside the arms: those of the baseline, of the best arms, and of a ladder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.analysis import Arm
from ablate.report.evidence import Evidence

if TYPE_CHECKING:
    from ablate.data import Images
    from ablate.evaluate.references import References

RATE = "bpp_actual"
SMALLEST = "smallest files"
LOWEST_OCTAVE, HIGHEST_OCTAVE = -4, -1
"""Curves go at least from 1/16, where no photograph has a file, to 1/2 bit a pixel."""


@dataclass(frozen=True)
class ReferencePoints:
    """Points at which reference codecs are measured: the limits of each of `arms`, the smallest files, and a ladder.

    `arms` and `ladder` lead from a name, the arm's and the bits per pixel, to that of its limits.
    """

    references: References
    arms: dict[str, str]
    ladder: tuple[str, ...]


def reference_points(evidence: Evidence) -> ReferencePoints | None:
    """Returns the points for a report of these results, None where no cell has finished.

    Raises:
        ValueError or OSError: where the test images are no longer there, or other ones.
    """
    reference = evidence.reference
    if reference is None or RATE not in evidence.metrics:
        return None
    from ablate.config import Data, Evaluation
    from ablate.data import prepare
    from ablate.evaluate.references import References

    config = reference.cells[0].config
    images = prepare(Data.model_validate(config["data"]), "test", evidence.store.data_cache)
    arms = {f"bits of {arm.name}": _limits(evidence, arm, images) for arm in _chosen(evidence, reference)}
    ladder = {f"{bits:g} bit/pixel": _same(bits, images) for bits in _ladder(evidence)}
    limits = {**arms, SMALLEST: None, **ladder}
    evaluation: Evaluation = Evaluation.model_validate(config["evaluation"])
    references = References(images, evaluation, limits, evidence.store.data_cache)
    return ReferencePoints(references, {name.removeprefix("bits of "): name for name in arms}, tuple(ladder))


def _chosen(evidence: Evidence, reference: Arm) -> list[Arm]:
    """Returns the reference, and the best arm on each primary metric."""
    names = {reference.name: None}
    for metric in evidence.primary:
        means = evidence.means(metric.name)
        if means:
            names |= {metric.best(means, key=means.__getitem__): None}
    arms = {arm.name: arm for arm in evidence.finished}
    return [arms[name] for name in names]


def _limits(evidence: Evidence, arm: Arm, images: Images) -> list[int]:
    """Returns the bytes of the arm's file of each image, means over its seeds, rounded down."""
    import numpy as np

    scores = evidence.rate_per_image
    missing = set(images.names) - set(scores.images)
    if missing:
        raise ValueError(f"{arm.name} was measured on other images: it has no bits for {', '.join(sorted(missing))}")
    bits = dict(zip(scores.images, np.nanmean(scores.values[arm.name], axis=0), strict=True))
    sizes = zip(images.names, images.shapes, strict=True)
    # Bits per pixel were a whole number of bytes once, before they were divided.
    return [math.floor(bits[name] * height * width / 8 + 1e-6) for name, (height, width) in sizes]


def _same(bits: float, images: Images) -> list[int]:
    return [math.floor(bits * height * width / 8) for height, width in images.shapes]


def _ladder(evidence: Evidence) -> list[float]:
    """Returns bits per pixel in octaves, the same for every grid: around the arms', and where the formats begin."""
    dearest = max(evidence.means(RATE).values())
    last = max(HIGHEST_OCTAVE, math.ceil(math.log2(dearest)) + 1)
    return [2.0**octave for octave in range(LOWEST_OCTAVE, last + 1)]
