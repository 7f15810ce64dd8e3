"""The operators that have fast forms, and their backends."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ablate.kernels.backend import Backend, Tolerance
from ablate.registry import unknown


@dataclass(frozen=True)
class Operator:
    """A loss with its gradients, over a list of tensors of the image and one of the reconstruction.

    Attributes:
        name: also that of its module, whose BACKENDS are its backends, the definition first.
        summary: what goes in and what comes out.
        float32: how far from float64 a backend may lie in float32.
        bfloat16: the same for tensors of bfloat16, whose gradients are rounded to it.
    """

    name: str
    summary: str
    float32: Tolerance
    bfloat16: Tolerance

    def tolerance(self, dtype: torch.dtype) -> Tolerance:
        """Returns the tolerance for tensors of a type.

        Raises:
            ValueError: for a type that fast forms do not take.
        """
        if dtype not in (torch.float32, torch.bfloat16):
            raise ValueError(f"the kernels take float32 and bfloat16, not {dtype}")
        return self.float32 if dtype is torch.float32 else self.bfloat16


_POINTWISE = Tolerance(2e-6, 1e-9, 1e-5)
_ROUNDED = Tolerance(2e-6, 1e-9, 4e-3)
"""Inputs are what they are, and losses are computed in float32: only the gradient's rounding to 8 bits is left."""

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator(
            "adversarial",
            "each scale's logits (N, 1, h, w) of image and reconstruction to one player's loss over all scales",
            Tolerance(2e-6, 1e-6, 1e-5),  # a mean of signed logits may lie anywhere near 0
            Tolerance(2e-6, 1e-6, 4e-3),
        ),
        Operator(
            "distortion",
            "image and reconstruction (N, 3, H, W) to a weighted sum of mse, l1 and charbonnier, in one pass",
            _POINTWISE,
            _ROUNDED,
        ),
        Operator(
            "ms_ssim",
            "image and reconstruction (N, 3, H, W) in [-1, 1] to 1 - MS-SSIM",
            # A gradient between nearly equal images is a difference; between equal ones it is rounding.
            Tolerance(2e-6, 1e-8, 1e-4, 1e-8),
            Tolerance(2e-6, 1e-8, 4e-3, 1e-8),
        ),
        Operator(
            "feature_matching",
            "feature maps of image and reconstruction, all layers of all scales, to the sum of mean absolute errors",
            _POINTWISE,
            _ROUNDED,
        ),
        Operator(
            "gradient_norm",
            "the discriminators' gradient (N, 3, H, W) at some points to a penalty on its norms, and what to "
            "differentiate on with",
            _POINTWISE,
            _ROUNDED,
        ),
    )
}


def backends(operator: str) -> tuple[Backend, ...]:
    """Returns an operator's backends, usable here or not; the first is the definition, by autograd.

    Raises:
        ValueError: for an operator that there is not.
    """
    if operator not in OPERATORS:
        raise ValueError(unknown("operator", operator, list(OPERATORS)))
    found: tuple[Backend, ...] = importlib.import_module(f"ablate.kernels.{operator}").BACKENDS
    return found
