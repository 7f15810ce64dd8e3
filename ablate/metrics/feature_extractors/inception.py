"""InceptionV3 as a feature extractor: the one that FID and KID are defined by."""

from __future__ import annotations

from ablate.metrics.catalogue import extractors
from ablate.metrics.features import Extractor, require_tap

PREPROCESSING = "bilinear to 299x299 as TensorFlow 1 (no half-pixel centers, no antialias); (x - 128) / 128"


@extractors.register(
    formula="mean over space of the last block (2048 wide)",
    source="Szegedy et al. 2016, CVPR; weights of 2015-12-05 in torch-fidelity's conversion",
    label="Inception",
    taps={2048: "InceptionV3 of 2015-12-05, pool3, resized as TensorFlow 1 did"},
    preprocessing=PREPROCESSING,
    licence="Apache-2.0",
)
def inception(*, tap: int = 2048, device: str = "cpu", weights: str = "") -> Extractor:
    """Returns the network with its published weights, every byte of which is checked.

    `weights` names their file; by default ABLATE_INCEPTION does, else it is looked for in torch's cache, else
    downloaded into it.

    Raises:
        ValueError: for a tap other than 2048, or weights that are absent and cannot be downloaded, or are other ones.
    """
    from ablate.networks.inception import WEIGHTS, pretrained

    require_tap("inception", tap)
    return Extractor("inception", tap, WEIGHTS.sha256, PREPROCESSING, device, pretrained(device, weights or None))
