"""Image and reconstruction (N, 3, H, W) in [-1, 1] to 1 - MS-SSIM."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.backend import Tolerance
from ablate.kernels.facts import Operator
from ablate.kernels.layout import require_pair
from ablate.kernels.trial import Trial, image_trials
from ablate.losses.distortion_loss import require_side
from ablate.losses.structure import WINDOW, smallest_side

REACH = WINDOW - 1


def check(image: Tensor, reconstruction: Tensor, levels: int) -> None:
    """Refuses images that do not fit.

    Raises:
        ValueError: for two shapes, for sides that the levels do not fit into, and for another type.
    """
    require_pair(image, reconstruction)
    require_side(image, smallest_side(levels=levels), f"MS-SSIM of {levels} levels")


def together(unlike: Tensor, weights: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Returns the loss from each level's and plane's dissimilarity (L, K), and its derivative by minus these.

    In float64, in which the sums over a few planes cost nothing and 1 - MS-SSIM keeps its digits.
    """
    unlike = unlike.double()
    exponents = _exponents(tuple(weights), unlike.device)
    dead = (unlike >= 1).any(0)
    logarithm = (exponents * torch.log1p(-unlike)).sum(0)
    losses = torch.where(dead, 1.0, -torch.expm1(logarithm))
    factors = torch.where(dead, 0.0, -exponents * logarithm.exp() / (1 - unlike)) / len(losses)
    return losses.mean().float(), factors


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
