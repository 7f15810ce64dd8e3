"""The definition, by autograd."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ablate.kernels.backend import Function
from ablate.kernels.by_autograd import by_autograd
from ablate.losses import distortion
from ablate.networks.exact import at_least_float32


def build(*, levels: int = 5) -> Function:
    """Returns 1 - MS-SSIM with the reconstruction's gradient."""
    definition = distortion("ms_ssim", levels=levels)

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        return definition(at_least_float32(images[0]), at_least_float32(reconstructions[0]))

    return by_autograd(loss, image=False)
