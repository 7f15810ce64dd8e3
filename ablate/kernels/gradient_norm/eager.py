"""The definition, by autograd."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ablate.kernels.backend import Function
from ablate.kernels.by_autograd import by_autograd
from ablate.kernels.gradient_norm.spec import COSTS
from ablate.losses.gradient_penalties import SQUARED_NORMS
from ablate.networks.exact import at_least_float32
from ablate.registry import chosen


def build(*, cost: str = "r1") -> Function:
    """Returns the penalty with its derivative by the gradient."""
    reduced = chosen("cost", cost, COSTS)

    def loss(gradients: Sequence[Tensor], _none: Sequence[Tensor]) -> Tensor:
        return reduced(SQUARED_NORMS["sample"](at_least_float32(gradients[0])))

    return by_autograd(loss, image=True, reconstruction=False)
