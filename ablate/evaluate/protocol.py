"""Protocol of a measurement: the facts of each metric that another one must share to be comparable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablate.config import Taught
from ablate.data import Images
from ablate.evaluate.distances import refusal
from ablate.evaluate.features import Look, view_of
from ablate.metrics import Metric
from ablate.metrics.catalogue import metrics as catalogue
from ablate.metrics.naming import KEPT, RATE, on_set

Facts = dict[str, Any]


def protocol(
    metrics: Sequence[Metric],
    looks: Sequence[Look],
    images: Images,
    taught: Taught,
    regions: str | None = None,
) -> dict[str, Facts]:
    """Returns the facts of each metric; figures whose records differ are not compared.

    Args:
        metrics: that are measured.
        looks: what distances between sets look through.
        images: that are measured.
        taught: what the codec was trained against.
        regions: which region of each image a selective codec was to keep, if not all; it is measured apart.
    """
    every = {"rounding": "uint8", "pictures": images.digest} | ({"colours": images.colours} if images.colours else {})
    every |= {"region": regions} if regions else {}
    seen = {look.view: look for look in looks}
    found: dict[str, Facts] = {}
    for metric in metrics:
        view = view_of(metric, list(seen))
        if view is not None:
            look = seen[view]
            own = _paired(look) | every | _set_limits(metric, look)
        else:
            own = every | {"images": len(images)} | metric.weights_facts() | _image_limits(metric, images)
        if defined_by := catalogue.defined_by(metric.name):
            own |= {"defined_by": defined_by}
        if metric.by_choice:
            hashes = [str(value) for key, value in own.items() if key.endswith("sha256")]
            own |= {"trained_against": taught.through(metric, hashes)}
        found[metric.name] = own
    for name in ("psnr", RATE) if regions and "psnr" in found else ():
        found[on_set(name, KEPT)] = found.get(name, every)
    return found


def _paired(look: Look) -> Facts:
    return {
        "extractor": look.extractor.name,
        "tap": look.extractor.tap,
        "weights_sha256": look.extractor.weights_sha256,
        "preprocessing": look.extractor.preprocessing,
        "patch": look.view.patch,
        "shift": look.view.patch // 2,
        "patches": len(look.originals),
        "paired": True,
    }


def too_small(metric: Metric, images: Images) -> list[str]:
    """Names the images that a metric is not defined on."""
    sides = zip(images.names, images.shapes, strict=True)
    return sorted(name for name, shape in sides if min(shape) < metric.needs.smallest_side)


def _image_limits(metric: Metric, images: Images) -> Facts:
    """Returns which images a figure lacks, as it is undefined on them."""
    if metric.needs.smallest_side <= 1:
        return {}
    small = too_small(metric, images)
    return {"images": len(images) - len(small), "undefined": small}


def _set_limits(metric: Metric, look: Look) -> Facts:
    """Returns what a figure of a set lacks: patches that it asks for."""
    limits: Facts = {}
    patches = len(look.originals)
    if enough := metric.needs.enough_patches:
        limits |= {"patches_needed": enough, "enough": patches >= enough}
    if refused := refusal(metric, patches, look.view.patch):
        limits |= {"refused": refused}
    return limits
