"""Positions of an image's map that belong to a region of it: those whose whole window lies in the region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.metrics.metric import TooSmallError

if TYPE_CHECKING:
    from torch import Tensor


def windows(region: Tensor, size: int, stride: int = 1, padding: int | tuple[int, int] = 0) -> Tensor:
    """Returns the windows of `size` pixels a side that lie in a region, bool (H, W), as a whole: bool (h, w).

    Windows are placed as a convolution or a pooling of that size places them; what pads the image is in every region,
    so that all windows of a whole image lie in it.
    """
    from torch.nn.functional import max_pool2d

    outside = max_pool2d((~region)[None].float(), size, stride, padding)[0]
    return outside == 0


def require_some(positions: Tensor, name: str) -> Tensor:
    """Returns positions, bool (h, w), that a figure is the mean over.

    Raises:
        TooSmallError: where there are none.
    """
    if not bool(positions.any()):
        raise TooSmallError(f"no {name} lies in the region as a whole")
    return positions
