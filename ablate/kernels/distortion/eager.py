"""The definitions, by autograd."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ablate.kernels.backend import Function
from ablate.kernels.by_autograd import by_autograd
from ablate.kernels.distortion.spec import weights_of
from ablate.losses import distortion
from ablate.networks.exact import at_least_float32


def build(**options: float) -> Function:
    """Returns the sum with the reconstruction's gradient; options are those of `spec.Weights`."""
    weights = weights_of(**options)
    terms = [(distortion("mse"), weights.mse), (distortion("l1"), weights.l1)]
    terms.append((distortion("charbonnier", epsilon=weights.epsilon), weights.charbonnier))

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        pair = at_least_float32(images[0]), at_least_float32(reconstructions[0])
        return sum((weight * term(*pair) for term, weight in terms if weight), start=pair[0].new_zeros(()))

    return by_autograd(loss, image=False)
