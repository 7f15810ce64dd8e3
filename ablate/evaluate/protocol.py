"""Protocol of a measurement: the facts of each metric that another one must share to be comparable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablate.config import Taught
from ablate.data import Images
from ablate.evaluate.distances import refusal
from ablate.evaluate.features import Look, view_of
from ablate.evaluate.images_table import ImageRow
from ablate.evaluate.part import Part
from ablate.metrics import Metric, Scope
from ablate.metrics.catalogue import metrics as catalogue

Facts = dict[str, Any]


def protocol(
    parts: Sequence[Part], images: Images, rows: Sequence[ImageRow], taught: Taught, regions: str | None = None
) -> dict[str, Facts]:
    """Returns the facts of each metric; figures whose records differ are not compared.

    Args:
        parts: of the images that are measured, and how.
        images: that are measured.
        rows: what was measured of each.
        taught: what the codec was trained against.
        regions: which region of each image a selective codec was to keep, if not all.
    """
    every = {"rounding": "uint8", "pictures": images.digest} | ({"colours": images.colours} if images.colours else {})
    every |= {"region": regions} if regions else {}
    found: dict[str, Facts] = {}
    for part in parts:
        seen = {look.view: look for look in part.looks}
        for metric in part.metrics:
            view = view_of(metric, list(seen))
            if view is not None:
                own = _paired(seen[view]) | every | _set_limits(metric, seen[view])
            else:
                own = every | {"images": len(images)} | metric.weights_facts() | _image_limits(metric, images, rows)
            if defined_by := catalogue.defined_by(metric.name):
                own |= {"defined_by": defined_by}
            if metric.by_choice:
                hashes = [str(value) for key, value in own.items() if key.endswith("sha256")]
                own |= {"trained_against": taught.through(metric, hashes)}
            found[metric.name] = own
    return found


def _paired(look: Look) -> Facts:
    return {
        "extractor": look.extractor.name,
        "tap": look.extractor.tap,
        "weights_sha256": look.extractor.weights_sha256,
        "preprocessing": look.extractor.preprocessing,
        "patch": look.view.patch,
        "shift": look.shift,
        "patches": len(look.originals),
        "paired": True,
    }


def _image_limits(metric: Metric, images: Images, rows: Sequence[ImageRow]) -> Facts:
    """Returns which images a figure lacks, as it is undefined on them, and why on the first of them."""
    why = {row.image: row.undefined[metric.name] for row in rows if metric.name in row.undefined}
    if not why and (metric.needs.smallest_side <= 1 or metric.scope is not Scope.image):
        return {}
    limits: Facts = {"images": len(images) - len(why), "undefined": sorted(why)}
    return limits | ({"undefined_as": why[min(why)]} if why else {})


def _set_limits(metric: Metric, look: Look) -> Facts:
    """Returns what a figure of a set lacks: patches that it asks for."""
    limits: Facts = {}
    patches = len(look.originals)
    if enough := metric.needs.enough_patches:
        limits |= {"patches_needed": enough, "enough": patches >= enough}
    if refused := refusal(metric, look.counts, look.view.patch):
        limits |= {"refused": refused}
    return limits
