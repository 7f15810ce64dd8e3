"""DINOv2 as a feature extractor, which FD-DINOv2 is computed over."""

from __future__ import annotations

from ablate.metrics.catalogue import extractors
from ablate.metrics.features import Extractor, require_tap

PREPROCESSING = "bicubic to 224x224, antialiased, not rounded; ImageNet's mean and deviation"


@extractors.register(
    formula="normalised class token of ViT-L/14 (1024 wide)",
    source="Oquab et al. 2023, arXiv 2304.07193; for distances Stein et al. 2023, NeurIPS, arXiv 2306.04675",
    label="DINOv2",
    taps={1024: "DINOv2 ViT-L/14, class token, at 224 pixels"},
    preprocessing=PREPROCESSING,
    licence="Apache-2.0",
)
def dinov2(*, tap: int = 1024, device: str = "cpu", weights: str = "") -> Extractor:
    """Returns the network with its published weights, every byte of which is checked.

    `weights` names their file; by default ABLATE_DINOV2 does, else it is looked for in torch's cache.

    Raises:
        ValueError: for a tap other than 1024, or weights that are absent or other ones.
    """
    from ablate.networks.dinov2 import WEIGHTS, pretrained

    require_tap("dinov2", tap)
    return Extractor("dinov2", tap, WEIGHTS.sha256, PREPROCESSING, device, pretrained(device, weights or None))
