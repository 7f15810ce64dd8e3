"""Sharpness: how much brightness curves from pixel to pixel, which blur takes away and noise adds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ablate.metrics.images.luma import luma
from ablate.metrics.images.pixel import require_images
from ablate.metrics.images.region import require_some, windows
from ablate.metrics.metric import Needs
from ablate.plugins import metric

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_SIDE = 3
_SOURCE = "Pech-Pacheco et al. 2000, ICPR, LAPV (variance of the Laplacian)"


@metric(
    label="Sharpness",
    unit="levels^2",
    direction=None,
    bounds=(0, math.inf),
    decimals=0,
    place=60,
    default=False,
    needs=Needs(smallest_side=SMALLEST_SIDE),
    formula="variance over space of the Laplacian (four neighbours less four times the pixel) of luma, no padding",
    source=_SOURCE,
)
def sharpness(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the variance of the Laplacian of each reconstruction, uint8 (N, 3, H, W), alone: float64 (N,).

    The originals only say what is measured. Of a region, bool (H, W), it is over the pixels all of whose neighbours,
    the diagonal ones too, lie in it.

    Raises:
        ValueError: for images that are not uint8 RGB, differ in shape or have a side below 3 pixels, and for a region
            without such a pixel.
    """
    require_images(originals, reconstructions, SMALLEST_SIDE)
    return _variance(reconstructions, region)


@metric(
    label="Sharpness (ratio)",
    unit="",
    direction=None,
    bounds=(0, math.inf),
    decimals=2,
    place=61,
    default=False,
    needs=Needs(smallest_side=SMALLEST_SIDE),
    formula="sharpness of the reconstruction over that of the original: below 1 is blur, above 1 noise or ringing",
    source=_SOURCE,
)
def sharpness_ratio(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns how many times as sharp each reconstruction is as its original, uint8 (N, 3, H, W): float64 (N,).

    1 for identical images; inf where there is sharpness and the original had none, as a flat image. Of a region as
    `sharpness`.

    Raises:
        ValueError: as `sharpness`.
    """
    require_images(originals, reconstructions, SMALLEST_SIDE)
    before, after = _variance(originals, region), _variance(reconstructions, region)
    return (after / before).where(before != after, 1.0)


def _variance(images: Tensor, region: Tensor | None) -> Tensor:
    planes = luma(images)
    inner = planes[:, 1:-1, 1:-1]
    around = planes[:, :-2, 1:-1] + planes[:, 2:, 1:-1] + planes[:, 1:-1, :-2] + planes[:, 1:-1, 2:]
    laplacian = around - 4 * inner
    if region is not None:
        places = windows(region, SMALLEST_SIDE)
        laplacian = laplacian[:, None, require_some(places, f"window of {SMALLEST_SIDE} pixels")]
    return laplacian.var(dim=(1, 2), correction=0)
