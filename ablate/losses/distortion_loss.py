"""A distortion, and the checks and differences that all of them share."""

from __future__ import annotations

from collections.abc import Callable

from ablate.late_torch import Tensor

Distortion = Callable[[Tensor, Tensor], Tensor]
"""(image, reconstruction) -> scalar, 0 or more, of float32 (N, 3, H, W) in [-1, 1]; a mean over the images.

Image and reconstruction may change places in the value; no gradient reaches the image.
"""


def error(image: Tensor, reconstruction: Tensor) -> Tensor:
    """Returns what the reconstruction has too much, in [-2, 2]; differentiable in the reconstruction alone."""
    assert image.shape == reconstruction.shape, f"{tuple(image.shape)} and {tuple(reconstruction.shape)}"
    return reconstruction - image.detach()


def require_same_shape(image: Tensor, reconstruction: Tensor) -> None:
    """Refuses a pair that would be broadcast.

    Raises:
        ValueError: for two shapes.
    """
    if image.shape != reconstruction.shape:
        raise ValueError(f"the image is {tuple(image.shape)}, its reconstruction {tuple(reconstruction.shape)}")


def require_side(image: Tensor, smallest: int, name: str) -> None:
    """Refuses an image that a distortion is not defined for.

    Raises:
        ValueError: for a height or width below `smallest` pixels.
    """
    height, width = image.shape[-2:]
    if min(height, width) < smallest:
        raise ValueError(f"{name} needs crops of at least {smallest} x {smallest} pixels, not {height} x {width}")
