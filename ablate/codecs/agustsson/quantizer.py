"""The quantizer: latents to symbols, hard forward and soft backward."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.settings import ModelQuirks, QuantizerSettings

REACH = 64.0
"""How far beyond the outermost centers a latent is told from one further out: float32 is exact to 4e-6 there, and
would lose the centers beside a latent of 1e8."""


class Quantized(NamedTuple):
    """`values` (N, C, h, w) are centers, differentiable; `symbols` uint8 of the same shape index them."""

    values: Tensor
    symbols: Tensor


class Quantizer(nn.Module):
    """Nearest center forward, soft assignment backward (Mentzer et al. 2018, equations 2 to 4; paper section 3).

    The soft assignment weighs centers by exp(-(w - c)^2 / T). Two things differ from the source, where the encoder
    never learns: nothing rounds the result (rounding has no gradient), and the squared distance keeps a slope between
    the centers where the source's absolute distance has none beyond the outermost ones. Beyond those, where any soft
    assignment saturates, it goes on along its tangent, so that no latent is ever stuck. Either can be undone, to see
    what it cost.
    """

    def __init__(self, settings: QuantizerSettings, quirks: ModelQuirks) -> None:
        super().__init__()
        self.quirks = quirks
        self.temperature = settings.temperature
        half = (settings.levels - 1) / 2
        centers = torch.linspace(-half, half, settings.levels)
        if settings.centers == "learned":
            self.centers = nn.Parameter(centers)
        else:
            self.register_buffer("centers", centers)

    def forward(self, latent: Tensor) -> Quantized:
        """Quantizes a latent (N, C, h, w); gradients reach the latent and, where learned, the centers."""
        lowest, highest = self.centers.detach().aminmax()
        latent = _Within.apply(latent, lowest - REACH, highest + REACH)
        distance = (latent.detach().unsqueeze(-1) - self.centers.detach()).abs()
        symbols = distance.argmin(-1)
        hard = self.centers.detach()[symbols]
        soft = self._soft_by_absolute_distance(latent) if self.quirks.l1_dead_zone else self._soft(latent)
        values = soft + (hard - soft).detach()
        if self.quirks.round_kills_encoder:
            values = values.round()  # whose gradient is zero, and whose values are these where centers are whole
        return Quantized(values, symbols.to(torch.uint8))

    def send(self, latent: Tensor) -> Tensor:
        """Returns the symbols of a latent, as `forward` does, for a file.

        Raises:
            ValueError: for NaN, which is near no center; in training it reaches the loss, which tells.
        """
        if latent.isnan().any():
            raise ValueError(
                f"{int(latent.isnan().sum()):,} of {latent.numel():,} latents are NaN: no symbol means that"
            )
        return self(latent).symbols

    def dequantize(self, symbols: Tensor) -> Tensor:
        """Returns the centers of uint8 symbols (N, C, h, w)."""
        return self.centers.detach()[symbols.long()]

    def _soft(self, latent: Tensor) -> Tensor:
        lowest, highest = self.centers.detach().aminmax()
        inside = latent.clamp(lowest, highest)
        weights = torch.softmax(-(inside.unsqueeze(-1) - self.centers).square() / self.temperature, -1)
        mean = (weights * self.centers).sum(-1)
        with torch.no_grad():
            variance = (weights * self.centers.square()).sum(-1) - mean.square()
            slope = 2 * variance / self.temperature
        return mean + slope * (latent - inside)

    def _soft_by_absolute_distance(self, latent: Tensor) -> Tensor:
        weights = torch.softmax(-(latent.unsqueeze(-1) - self.centers).abs() / self.temperature, -1)
        return (weights * self.centers).sum(-1)


class _Within(torch.autograd.Function):
    """Moves what lies outside of two bounds onto them, and lets the gradient through as if it had not."""

    @staticmethod
    def forward(_context: Any, latent: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        return latent.clamp(lowest, highest)

    @staticmethod
    def backward(_context: Any, *gradient: Any) -> Any:
        return *gradient, None, None
