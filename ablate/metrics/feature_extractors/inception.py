"""InceptionV3 as a feature extractor: the one that FID, sFID and KID are defined by."""

from __future__ import annotations

from ablate.metrics.catalogue import extractors
from ablate.metrics.features import Extractor, require_tap

PREPROCESSING = "bilinear to 299x299 as TensorFlow 1 (no half-pixel centers, no antialias); (x - 128) / 128"


@extractors.register(
    formula="mean over space of the last block (2048 wide), or 7 channels of mixed_6/conv at 17x17 places (2023 wide)",
    source="Szegedy et al. 2016, CVPR; weights of 2015-12-05 in torch-fidelity's conversion; places: Nash et al. 2021",
    label="Inception",
    taps={
        2048: "InceptionV3 of 2015-12-05, pool3, resized as TensorFlow 1 did",
        2023: "InceptionV3 of 2015-12-05, first 7 channels of mixed_6/conv at 17x17 places, resized as pool3",
    },
    preprocessing=PREPROCESSING,
    licence="Apache-2.0",
)
def inception(*, tap: int = 2048, device: str = "cpu", weights: str = "") -> Extractor:
    """Returns the network with its published weights, every byte of which is checked.

    `weights` names their file; by default ABLATE_INCEPTION does, else it is looked for in torch's cache, else
    downloaded into it.

    Raises:
        ValueError: for another tap, or weights that are absent and cannot be downloaded, or are other ones.
    """
    from ablate.networks.inception import SPATIAL_WIDTH, WEIGHTS, pretrained

    require_tap("inception", tap)
    network = pretrained(device, weights or None)
    features = network.spatial if tap == SPATIAL_WIDTH else network
    return Extractor("inception", tap, WEIGHTS.sha256, PREPROCESSING, device, features)
