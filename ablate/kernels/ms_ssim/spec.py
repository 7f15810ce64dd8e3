"""Image and reconstruction (N, 3, H, W) in [-1, 1] to 1 - MS-SSIM."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ablate.kernels.backend import Tolerance
from ablate.kernels.facts import Operator
from ablate.kernels.layout import require_pair
from ablate.kernels.trial import Trial, image_trials
from ablate.losses.distortion_loss import require_side
from ablate.losses.structure import BLACK, C1, C2, TAPS, WINDOW, scale_weights, smallest_side

REACH = WINDOW - 1


class Comparison(NamedTuple):
    """How two images are compared: by MS-SSIM, or by SSIM where there is one level.

    Attributes:
        taps: of the window along one side; symmetric.
        c1: of `losses.structure.Measure`, as `c2` and `black`.
        weights: the levels' exponents, the finest first.
        shift: the sum of both images' values in the middle of their range, around which squares keep their digits.
        clipped: whether a plane whose similarity is below 0 counts as 0, without a gradient; always for several levels.
    """

    taps: tuple[float, ...]
    c1: float
    c2: float
    black: float
    weights: tuple[float, ...]
    shift: float = 0.0
    clipped: bool = True

    @classmethod
    def of_levels(cls, levels: int) -> Comparison:
        """Returns the comparison that the distortion `ms_ssim` is, of images in [-1, 1]."""
        return cls(TAPS, C1, C2, BLACK, tuple(scale_weights(levels)))


def check(image: Tensor, reconstruction: Tensor, levels: int) -> None:
    """Refuses images that do not fit.

    Raises:
        ValueError: for two shapes, for sides that the levels do not fit into, and for another type.
    """
    require_pair(image, reconstruction)
    require_side(image, smallest_side(levels=levels), f"MS-SSIM of {levels} levels")


def together(unlike: Tensor, comparison: Comparison) -> tuple[Tensor, Tensor]:
    """Returns each plane's loss from each level's dissimilarity (L, K), and the mean's derivative by minus these.

    In float64, in which the sums over a few planes cost nothing and 1 - MS-SSIM keeps its digits.
    """
    unlike = unlike.double()
    if not comparison.clipped:
        return unlike[0], torch.full_like(unlike, -1 / unlike.shape[1])
    if not all(comparison.weights):
        # What has no weight counts for nothing, also where it has no logarithm.
        unlike = torch.stack([e if weight else 0 * e for e, weight in zip(unlike, comparison.weights, strict=True)])
    exponents = _exponents(comparison.weights, unlike.device)
    dead = (unlike >= 1).any(0)
    logarithm = (exponents * torch.log1p(-unlike)).sum(0)
    losses = torch.where(dead, 1.0, -torch.expm1(logarithm))
    factors = torch.where(dead, 0.0, -exponents * logarithm.exp() / (1 - unlike)) / len(losses)
    return losses, factors


@functools.cache
def _exponents(weights: tuple[float, ...], device: torch.device) -> Tensor:
    """Returns the levels' weights as (L, 1); kept, as each copy to a GPU would wait for it."""
    return torch.tensor(weights, dtype=torch.float64, device=device).unsqueeze(1)


def _trials(generator: torch.Generator, options: Mapping[str, Any]) -> Iterator[Trial]:
    side = smallest_side(levels=options.get("levels", 5))
    return image_trials(generator, side + 2, side + 12)


OPERATOR = Operator(
    "ms_ssim",
    _trials,
    # A gradient between nearly equal images is a difference; between equal ones it is rounding.
    float32=Tolerance(2e-6, 1e-8, 1e-4, 1e-8),
    bfloat16=Tolerance(2e-6, 1e-8, 4e-3, 1e-8),
    pays_from={
        "cpu": {"ms_ssim": (("native", 0), ("channels_last", 0))},
        "cuda": {"ms_ssim": (("triton", 0),)},
    },
)
