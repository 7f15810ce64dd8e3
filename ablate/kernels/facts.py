"""An operator: a loss that has fast forms, with the facts that they are chosen and held to their definition by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ablate.kernels.backend import Tolerance
from ablate.kernels.layout import require_type
from ablate.kernels.trial import Trial
from ablate.rng import stream

POINTWISE = Tolerance(2e-6, 1e-9, 1e-5)
ROUNDED = Tolerance(2e-6, 1e-9, 4e-3)
"""Inputs are what they are, and losses are computed in float32: only the gradient's rounding to 8 bits is left."""

PaysFrom = Mapping[str, Mapping[str, tuple[tuple[str, int], ...]]]
"""By device and loss, or operator: backends from the fastest down, each with the number of one image's values from
which on it is taken.

Of the CPU measured on one thread (an AMD EPYC of family 26, torch 2.14), the loss, its backward pass and autograd's
share of both: below, a definition of few operations is as fast. Compiled code is not taken, since a first step of tens
of seconds is more than a small cell has in all.

Gradients in C round as the definition's do, but for softplus, charbonnier and ms_ssim. A last bit changes a symbol of
the code sooner or later, and from there on the training; the first two are left alone where not even 0.3 ms a step
would be saved.
"""


@dataclass(frozen=True)
class Operator:
    """A loss with its gradients, over a list of tensors of the image and one of the reconstruction.

    Attributes:
        name: also that of its folder.
        draw: the trials of its options, drawn from a stream.
        float32: how far from float64 a backend may lie in float32.
        bfloat16: the same for tensors of bfloat16, whose gradients are rounded to it.
        pays_from: from which size on training takes which backend.
    """

    name: str
    draw: Callable[[torch.Generator, Mapping[str, Any]], Iterator[Trial]]
    float32: Tolerance = POINTWISE
    bfloat16: Tolerance = ROUNDED
    pays_from: PaysFrom = field(default_factory=dict)

    def tolerance(self, dtype: torch.dtype) -> Tolerance:
        """Returns the tolerance for tensors of a type; raises as `require_type`."""
        require_type(dtype)
        return self.float32 if dtype is torch.float32 else self.bfloat16

    def trials(self, options: Mapping[str, Any], seed: int = 0) -> Iterator[Trial]:
        """Yields inputs to try a backend on, drawn from `seed`."""
        return self.draw(stream(seed, f"kernels.{self.name}", 0), options)

    def candidates(self, loss: str, device: str) -> tuple[tuple[str, int], ...]:
        """Returns the backends worth taking for a loss on "cpu" or "cuda", the fastest first, and from which size."""
        table = self.pays_from.get(device, {})
        return table.get(loss, table.get(self.name, ()))
