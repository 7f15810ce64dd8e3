"""Metrics of two sets of patches: each is named by its extractor and tap, and only Inception's is called FID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.metrics.catalogue import metrics
from ablate.metrics.distance import frechet_distance
from ablate.metrics.features import extractor
from ablate.metrics.kernel import kid_paired
from ablate.metrics.naming import EXTRACTOR_TAPS, distance_name, kernel_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_FRECHET = "|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) over features of paired 8-bit patches; covariances with n - 1"
_KERNEL = (
    "mean of k(x, x') + k(y, y') - k(x, y') - k(x', y) over patches of two different images, k(u, v) = (u.v/d + 1)^3"
)
_NETWORKS = {
    ("lite0", 112): "EfficientNet-Lite0, mean of block 10",
    ("lite0", 1280): "EfficientNet-Lite0, head; far more biased below some thousand patches than the 112-wide tap",
    ("inception", 2048): "InceptionV3 of 2015-12-05, pool3, resized as TensorFlow 1 did",
    ("dinov2", 1024): "DINOv2 ViT-L/14, class token, at 224 pixels",
}
_LABELS = {"lite0": "Lite0", "inception": "Inception", "dinov2": "DINOv2"}
_NO_FID = ", with another network than theirs: never comparable with FID"


def _register(name: str, tap: int) -> tuple[Callable[[Tensor, Tensor], float], Callable[[Tensor, Tensor], float]]:
    canonical = name == "inception"
    label = "" if canonical else f"-{_LABELS[name]}-{tap}"

    def distance(originals: Tensor, reconstructions: Tensor) -> float:
        network = extractor(name, tap=tap)
        return frechet_distance(network(originals), network(reconstructions))

    def kernel(originals: Tensor, reconstructions: Tensor) -> float:
        network = extractor(name, tap=tap)
        return kid_paired(network(originals), network(reconstructions))

    distance.__name__, kernel.__name__ = distance_name(name, tap), kernel_name(name, tap)
    distance.__doc__ = f"Returns the Fréchet distance of uint8 patches (N, 3, p, p) and reconstructions: {name} {tap}."
    kernel.__doc__ = f"Returns the paired kernel distance of uint8 patches, each of its own image: {name} {tap}."
    metrics.register(
        direction="lower",
        unit="",
        label="FID" if canonical else f"FD{label}",
        formula=f"{_FRECHET}; {_NETWORKS[name, tap]}",
        source="Heusel et al. 2017, NeurIPS, eq. 6" + ("" if canonical else _NO_FID),
    )(distance)
    metrics.register(
        direction="lower",
        unit="",
        # The estimator that papers call KID goes below zero on reconstructions: one name would have both compared.
        label="KID (paired)" if canonical else f"KID{label}",
        formula=f"{_KERNEL}; {_NETWORKS[name, tap]}",
        source="Bińkowski et al. 2018, ICLR; the u-statistic without matched pairs of Gretton et al. 2012, JMLR 13",
    )(kernel)
    return distance, kernel


BY_NAME = {
    function.__name__: function
    for name, taps in EXTRACTOR_TAPS.items()
    for tap in taps
    for function in _register(name, tap)
}
"""Every metric of this kind."""
