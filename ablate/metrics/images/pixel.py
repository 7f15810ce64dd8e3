"""Metrics of single pixels: the sum of squared errors and PSNR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.metrics.images.region import require_some
from ablate.plugins import metric

if TYPE_CHECKING:
    from torch import Tensor


def sse(originals: Tensor, reconstructions: Tensor) -> Tensor:
    """Sums the squared error of uint8 images (N, C, H, W) over each image, exactly: int64 (N,).

    Raises:
        ValueError: for images that are not uint8 or differ in shape.
    """
    require_images(originals, reconstructions)
    result: Tensor = _squares(originals, reconstructions).sum(dim=(1, 2, 3))
    return result


@metric(
    label="PSNR",
    unit="dB",
    direction="higher",
    decimals=2,
    place=0,
    formula="10 log10(255^2 / MSE), the MSE of one image over its height, width and channels",
    source="CompressAI and HiFiC: of each 8-bit RGB image, then the mean of the decibels over images",
)
def psnr(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the peak signal-to-noise ratio of each pair of uint8 images (N, C, H, W): float64 (N,), in dB.

    It is inf for identical images; a record, which cannot hold that, keeps null beside `sse` = 0. Of a region, bool
    (H, W), it is that of its pixels.
    """
    if region is None:
        return decibels(mse(originals, reconstructions))
    require_images(originals, reconstructions)
    inside = require_some(region, "pixel")
    return decibels(_squares(originals, reconstructions)[:, :, inside].double().mean(dim=(1, 2)))


def mse(originals: Tensor, reconstructions: Tensor) -> Tensor:
    """Returns the mean squared error of each pair of uint8 images (N, C, H, W): float64 (N,)."""
    return sse(originals, reconstructions).double() / originals[0].numel()


def _squares(originals: Tensor, reconstructions: Tensor) -> Tensor:
    difference = originals.int() - reconstructions.int()
    return difference * difference


def decibels(mean_squared_error: Tensor) -> Tensor:
    """Returns the PSNR that belongs to mean squared errors of 8-bit images; inf for 0.

    The mean of a set's errors gives its pooled PSNR, which is below the mean of its images' PSNR.
    """
    return 10 * (255**2 / mean_squared_error).log10()


def require_images(originals: Tensor, reconstructions: Tensor, smallest: int = 1) -> None:
    """Refuses anything but two equally large, non-empty batches of uint8 images with no side below `smallest` pixels.

    A float image would give a number too, but one of unrounded values.
    """
    for name, images in (("originals", originals), ("reconstructions", reconstructions)):
        if str(images.dtype) != "torch.uint8" or images.ndim != 4 or not images.numel():
            shape = tuple(images.shape)
            raise ValueError(f"{name} must be uint8 (N, C, H, W) and not empty, not {images.dtype} {shape}")
    if originals.shape != reconstructions.shape:
        raise ValueError(
            f"originals {tuple(originals.shape)} and reconstructions {tuple(reconstructions.shape)} differ in shape"
        )
    height, width = originals.shape[2:]
    if min(height, width) < smallest:
        raise ValueError(f"undefined for images of {height}x{width} pixels: both sides must be {smallest} or more")
