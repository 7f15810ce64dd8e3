"""Distortions of single pixels, between an image and its reconstruction, both float32 (N, 3, H, W) in [-1, 1].

The range belongs to the definition: lambda_x = 12 on [-1, 1] is 48 on [0, 1] and 7.38e-4 on [0, 255] for `mse`.
"""

from __future__ import annotations

from ablate.late_torch import F
from ablate.losses.distortion_loss import Distortion, error
from ablate.plugins import distortion


@distortion(formula="0", source="control without this term")
def none() -> Distortion:
    """Nothing: the term is absent."""
    return lambda _image, reconstruction: 0 * reconstruction.mean()


@distortion(
    formula=r"E(x - \hat x)^2",
    source="Agustsson et al. 2019, section 4; weight 12 in the source",
    convention="4 times its value on [0, 1]",
)
def mse() -> Distortion:
    """Mean squared error."""
    return lambda image, reconstruction: F.mse_loss(reconstruction, image.detach())


@distortion(formula=r"E|x - \hat x|", source="Isola et al. 2017, equation 3", convention="twice its value on [0, 1]")
def l1() -> Distortion:
    """Mean absolute error."""
    return lambda image, reconstruction: F.l1_loss(reconstruction, image.detach())


@distortion(
    formula=r"E\sqrt{(x - \hat x)^2 + \varepsilon^2}",
    source="Lai et al. 2017 (LapSRN), section 3.3: epsilon = 1e-3",
    convention="epsilon is squared under the root: 1e-3 here is 1e-6 where the root holds epsilon itself",
    ranges={"epsilon": (1e-4, 1e-1)},
)
def charbonnier(*, epsilon: float = 1e-3) -> Distortion:
    """L1 rounded off at zero; it is epsilon, not 0, between equal images.

    Raises:
        ValueError: for an epsilon of 0 or less, where the gradient between equal images is undefined.
    """
    if epsilon <= 0:
        raise ValueError(f"charbonnier needs an epsilon above 0, not {epsilon}")
    return lambda image, reconstruction: (error(image, reconstruction).square() + epsilon**2).sqrt().mean()


@distortion(
    formula=r"E\,h(x - \hat x), \quad h(d) = \tfrac{d^2}{2\beta} \text{ where } |d| < \beta, \text{ else } "
    r"|d| - \tfrac{\beta}{2}",
    source="Huber 1964, divided by beta, as torch's smooth_l1_loss has it",
    convention="slope 1 beyond beta whatever beta is; Huber's own loss with delta = beta is beta times this",
    ranges={"beta": (1e-2, 2.0)},
)
def huber(*, beta: float = 0.1) -> Distortion:
    """L1 with a parabola where the error is below beta; 0.1 on [-1, 1] is 12.75 grey levels of 255.

    Raises:
        ValueError: for a beta of 0 or less.
    """
    if beta <= 0:
        raise ValueError(f"huber needs a beta above 0, not {beta}; for L1 there is l1")
    return lambda image, reconstruction: F.smooth_l1_loss(reconstruction, image.detach(), beta=beta)
