"""Image and reconstruction (N, 3, H, W) to a weighted sum of mse, l1 and charbonnier, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch

from ablate.kernels.facts import Operator
from ablate.kernels.trial import Trial, image_trials


class Weights(NamedTuple):
    """How much of each distortion; charbonnier's epsilon is 1e-3 on [-1, 1], as that of `losses.pixel`."""

    mse: float = 1.0
    l1: float = 0.0
    charbonnier: float = 0.0
    epsilon: float = 1e-3


def weights_of(**options: float) -> Weights:
    """Returns the weights that options stand for.

    Raises:
        ValueError: where nothing counts, or epsilon is 0 or less.
    """
    weights = Weights(**options)
    if not any(weights[:3]):
        raise ValueError("a distortion of mse = 0, l1 = 0 and charbonnier = 0 is nothing to compute")
    if weights.epsilon <= 0:
        raise ValueError(f"charbonnier needs an epsilon above 0, not {weights.epsilon}")
    return weights


def _trials(generator: torch.Generator, _options: Mapping[str, Any]) -> Iterator[Trial]:
    return image_trials(generator, 37, 53)


OPERATOR = Operator(
    "distortion",
    _trials,
    pays_from={
        "cpu": {
            "mse": (("native", 200_000),),
            "l1": (("native", 20_000), ("explicit", 50_000)),
            "charbonnier": (("native", 100_000), ("explicit", 100_000)),
        },
        "cuda": {
            "mse": (("triton", 200_000),),
            "l1": (("triton", 0),),
            "charbonnier": (("triton", 0),),
        },
    },
)
