"""The discriminators' gradient (N, 3, H, W) at some points to a penalty on its norms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.facts import Operator
from ablate.kernels.trial import Trial, with_nan
from ablate.losses.gradient_penalties import far_from_one, far_from_zero

COSTS: Mapping[str, Callable[[Tensor], Tensor]] = {"r1": far_from_zero, "gp": far_from_one}
"""Squared norms (N,) to the penalty of weight 1, with no half; their order is that of gradient_norm.c."""


def _trials(generator: torch.Generator, _options: Mapping[str, Any]) -> Iterator[Trial]:
    gradient = torch.randn(3, 3, 13, 17, generator=generator)
    yield Trial("odd sizes", [gradient / (2 * gradient[0].norm())], [])
    yield Trial("with gaps", [gradient[..., ::2, 1:]], [])
    yield Trial("with NaN", [with_nan(gradient)], [])


OPERATOR = Operator(
    "gradient_norm",
    _trials,
    pays_from={"cpu": {"gradient_norm": (("native", 10_000), ("explicit", 200_000))}},
)
