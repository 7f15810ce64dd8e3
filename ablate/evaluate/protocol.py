"""Protocol of a measurement: the facts of each metric that another one must share to be comparable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablate.config import Evaluation, Term
from ablate.data import Images
from ablate.evaluate.distances import refusal
from ablate.metrics import Extractor, Metric, Scope

Facts = dict[str, Any]


def protocol(
    metrics: Sequence[Metric],
    evaluation: Evaluation,
    images: Images,
    extractor: Extractor,
    patches: int,
    taught: Sequence[Term],
) -> dict[str, Facts]:
    """Returns the facts of each metric; figures whose records differ are not compared.

    Args:
        metrics: that are measured.
        evaluation: whose patches are cut.
        images: that are measured.
        extractor: that the patches are looked at through.
        patches: of all images together.
        taught: what the codec was trained to lower.
    """
    every = {"rounding": "uint8", "pictures": images.digest} | ({"colours": images.colours} if images.colours else {})
    paired = {
        "extractor": extractor.name,
        "tap": extractor.tap,
        "weights_sha256": extractor.weights_sha256,
        "preprocessing": extractor.preprocessing,
        "patch": evaluation.patch,
        "shift": evaluation.patch // 2,
        "patches": patches,
        "paired": True,
    }
    found: dict[str, Facts] = {}
    for metric in metrics:
        own = paired | every if metric.scope is Scope.set else every | {"images": len(images)} | metric.weights_facts()
        if metric.by_choice:
            own |= {"trained_against": trained_against(metric, taught)}
        found[metric.name] = own | _limits(metric, evaluation, images, patches)
    return found


def too_small(metric: Metric, images: Images) -> list[str]:
    """Names the images that a metric is not defined on."""
    sides = zip(images.names, images.shapes, strict=True)
    return sorted(name for name, shape in sides if min(shape) < metric.needs.smallest_side)


def trained_against(metric: Metric, terms: Sequence[Term]) -> bool:
    """Tells whether one of the terms that a codec was trained to lower looks through the metric's own network."""
    if metric.needs.extractor is not None:
        return any(metric.needs.extractor[0] in term.name for term in terms)
    kind, _, network = metric.name.partition("_")
    return any(term.name == kind and term.options.get("network", network) == network for term in terms)


def _limits(metric: Metric, evaluation: Evaluation, images: Images, patches: int) -> Facts:
    """Returns what a figure lacks: images that it is undefined on, patches that it asks for."""
    limits: Facts = {}
    if metric.needs.smallest_side > 1:
        small = too_small(metric, images)
        limits |= {"images": len(images) - len(small), "undefined": small}
    if enough := metric.needs.enough_patches:
        limits |= {"patches_needed": enough, "enough": patches >= enough}
    if metric.scope is Scope.set and (refused := refusal(metric, patches, evaluation.patch)):
        limits |= {"refused": refused}
    return limits
