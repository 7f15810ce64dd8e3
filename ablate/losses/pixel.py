"""Distortions between an image and its reconstruction, both float32 (N, 3, H, W) in [-1, 1].

The range belongs to the definition: lambda_x = 12 on [-1, 1] is 48 on [0, 1] and 7.38e-4 on [0, 255] for `mse`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from ablate.registry import distortions

Distortion = Callable[[Tensor, Tensor], Tensor]
"""(image, reconstruction) -> scalar."""


@distortions.register(formula=r"E(x - \hat x)^2", source="Agustsson et al. 2019, section 4; weight 12 in the source")
def mse() -> Distortion:
    """Mean squared error."""
    return lambda image, reconstruction: mse_loss(reconstruction, image)


@distortions.register(formula=r"E|x - \hat x|", source="Isola et al. 2017, equation 3")
def l1() -> Distortion:
    """Mean absolute error."""
    return lambda image, reconstruction: l1_loss(reconstruction, image)


@distortions.register(
    formula=r"E\sqrt{(x - \hat x)^2 + \varepsilon^2}", source="Lai et al. 2017 (LapSRN), section 3.3: epsilon = 1e-3"
)
def charbonnier(*, epsilon: float = 1e-3) -> Distortion:
    """L1 rounded off at zero; it is epsilon, not 0, between equal images."""
    return lambda image, reconstruction: ((image - reconstruction).square() + epsilon**2).sqrt().mean()
