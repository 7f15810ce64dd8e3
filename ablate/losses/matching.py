"""Feature matching: the mean absolute difference of discriminator features, summed over layers and scales.

A registered function returns the weight of one (scale, layer) term from the number of scales and of layers; the
weighting is all that the published forms differ in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ablate.late_torch import F, Tensor, torch
from ablate.losses.catalogue import feature_matchings
from ablate.networks.exact import at_least_float32

TermWeight = Callable[[int, int], float]
"""(scales, layers) -> weight of each term."""


@feature_matchings.register(formula=r"w = 1", source="the source system: flat sum over 3 scales and 4 layers")
def source() -> TermWeight:
    """Flat sum: the total weight grows with scales and layers."""
    return lambda _scales, _layers: 1.0


@feature_matchings.register(
    formula=r"w = \frac{4}{K L}", source="Wang et al. 2018 (pix2pixHD), train loop of the release"
)
def pix2pixhd() -> TermWeight:
    """Total weight 4 whatever the depth; L counts the feature layers (n_layers_D + 1 there)."""
    return lambda scales, layers: 4.0 / (scales * layers)


@feature_matchings.register(formula=r"w = \frac{1}{K}", source="Park et al. 2019 (SPADE), trainer of the release")
def spade() -> TermWeight:
    """Mean over the scales, sum over the layers: the total weight grows with the depth alone."""
    return lambda scales, _layers: 1.0 / scales


@feature_matchings.register(formula=r"w = 0", source="control without feature matching")
def none() -> TermWeight:
    """No feature matching."""
    return lambda _scales, _layers: 0.0


def feature_matching(
    *, real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]], weight: TermWeight
) -> Tensor:
    """Returns the weighted sum of mean absolute differences of features, the real side detached.

    Args:
        real: per scale the features (N, c, h, w) of each layer, of the image.
        fake: the same of the reconstruction.
        weight: of one term, from the number of scales and layers.
    """
    each = weight(len(fake), len(fake[0]))
    return sum(
        (
            each * F.l1_loss(at_least_float32(f), at_least_float32(r.detach()))
            for rs, fs in zip(real, fake, strict=True)
            for r, f in zip(rs, fs, strict=True)
        ),
        start=fake[0][0].new_zeros((), dtype=torch.float32),
    )
