"""The definition, by autograd."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ablate.kernels.backend import Function
from ablate.kernels.by_autograd import by_autograd
from ablate.losses import feature_matching


def build(*, weight: float = 1.0) -> Function:
    """Returns the sum with the reconstruction's gradients."""

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        return feature_matching(real=[images], fake=[reconstructions], weight=lambda _scales, _layers: weight)

    return by_autograd(loss, image=False)
