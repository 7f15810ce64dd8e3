"""Distortions of frequencies."""

from __future__ import annotations

from ablate.late_torch import Tensor, torch
from ablate.losses.distortion_loss import Distortion, error
from ablate.plugins import distortion


@distortion(
    formula=r"E\,w\,|\Delta|^2, \quad \Delta = F(x - \hat x), \quad w = (|\Delta| / \max_{u,v} |\Delta|)^\alpha",
    source="Jiang et al. 2021 (focal frequency loss); orthonormal transform and maximum as in the release",
    convention="the maximum is that of one image and channel; w carries no gradient; 4 times its value on [0, 1], as "
    "w does not depend on the range",
    ranges={"alpha": (0.0, 2.0)},
)
def focal_frequency(*, alpha: float = 1.0) -> Distortion:
    """Squared error of the spectrum, each frequency weighted by its own error; with alpha = 0 it is the MSE.

    Raises:
        ValueError: for a negative alpha, under which the frequencies that fit already would weigh most.
    """
    if alpha < 0:
        raise ValueError(f"focal_frequency needs an alpha of 0 or more, not {alpha}")

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(error(image, reconstruction), norm="ortho")
        power = spectrum.real.square() + spectrum.imag.square()
        return (_weight(power.detach(), alpha) * power).mean()

    return distortion


def _weight(power: Tensor, alpha: float) -> Tensor:
    """Returns the focus on each frequency of (N, C, H, W), in 0 to 1; where all errors are zero it does not matter."""
    most = power.amax(dim=(-2, -1), keepdim=True).clamp(min=torch.finfo(power.dtype).tiny)
    return (power / most).clamp(0, 1) ** (alpha / 2)
