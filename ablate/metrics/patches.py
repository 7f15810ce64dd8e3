"""The patches of an image that a distance between sets is computed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def patches(image: Tensor, patch: int, shift: int) -> Tensor:
    """Cuts an image (C, H, W) into patches (n, C, patch, patch): a grid without gaps, then one shifted by `shift`.

    Both grids go row by row and hold every patch that lies in the image as a whole, so images of equal size are
    cut alike. `shift` is in pixels, along both axes, usually half a patch; 0 leaves the second grid out. An image
    smaller than a patch has none, n = 0. Source: HiFiC (Mentzer et al. 2020), section 4.2, FID/256 with shift 128.

    Raises:
        ValueError: for another rank, or a shift that is not in 0 to patch - 1.
    """
    import torch

    if image.ndim != 3:
        raise ValueError(f"an image must be (C, H, W), not {tuple(image.shape)}")
    if patch < 1 or not 0 <= shift < patch:
        raise ValueError(f"patch = {patch} and shift = {shift}; expected 0 <= shift < patch")
    offsets = (0, shift) if shift else (0,)
    return torch.cat([_grid(image[:, offset:, offset:], patch) for offset in offsets])


def patch_count(height: int, width: int, patch: int, shift: int) -> int:
    """Returns how many patches `patches` cuts an image of this size into."""
    offsets = (0, shift) if shift else (0,)
    return sum(max(0, (height - offset) // patch) * max(0, (width - offset) // patch) for offset in offsets)


def _grid(image: Tensor, patch: int) -> Tensor:
    channels, rows, columns = image.shape[0], image.shape[1] // patch, image.shape[2] // patch
    whole = image[:, : rows * patch, : columns * patch].reshape(channels, rows, patch, columns, patch)
    return whole.permute(1, 3, 0, 2, 4).reshape(rows * columns, channels, patch, patch)
