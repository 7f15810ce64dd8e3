"""The names of the metrics: what reports, checks and grid files look up.

Each metric is registered where it is computed, with these facts:

    direction   "higher" or "lower": which is better
    unit        "dB", "bit/pixel" or "" for a pure number
    label       the name that figures and tables print

Looking one up does not import torch, so that a report can be read and written without it.
"""

from __future__ import annotations

from ablate.registry import REQUIRED, Registry

metrics = Registry(
    "metric",
    "ablate.metrics.pixel",
    "ablate.metrics.structure",
    "ablate.metrics.perceptual",
    "ablate.metrics.sets",
    "ablate.metrics.rate",
)
extractors = Registry(
    "feature extractor",
    "ablate.metrics.lite0",
    "ablate.metrics.inception",
    "ablate.metrics.dinov2",
    facts={
        "taps": REQUIRED,
        "preprocessing": REQUIRED,
        "weights_sha256": REQUIRED,
        "licence": REQUIRED,
    },
)
"""Facts: the widths that it can be looked at, what happens to an image before it, the sha256 of its weights and their
licence. Looking one up imports torch."""
