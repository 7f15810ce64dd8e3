"""The fully factorized model: for each channel a distribution of its own, learned without a shape given beforehand."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.codecs.entropy.bounded import at_least

WIDTHS = (1, 3, 3, 3, 3, 1)
SCALE = 10.0
"""Width of the distribution before training, in symbols."""
SMALLEST = 1e-9
"""Least probability: none is lost to rounding."""


class Factorized(nn.Module):
    """Cumulative distribution of each channel as a composition of monotone functions.

    Source: Ballé et al. 2018, "Variational image compression with a scale hyperprior", appendix 6.1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        steps = list(itertools.pairwise(WIDTHS))
        scale = SCALE ** (1 / len(steps))
        self.matrices = nn.ParameterList(
            torch.full((channels, outputs, inputs), 1 / scale / outputs).expm1().log() for inputs, outputs in steps
        )
        self.biases = nn.ParameterList(torch.rand(channels, outputs, 1) - 0.5 for _, outputs in steps)
        self.factors = nn.ParameterList(torch.zeros(channels, outputs, 1) for _, outputs in steps[:-1])

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.biases[0].shape[0]

    def logits(self, values: Tensor) -> Tensor:
        """Returns the logits of the cumulative distribution at values (C, 1, n), of the same shape."""
        for step, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            values = torch.matmul(F.softplus(matrix), values) + bias
            if step < len(self.factors):
                values = values + torch.tanh(self.factors[step]) * torch.tanh(values)
        return values

    def forward(self, values: Tensor) -> Tensor:
        """Returns the probability of the unit interval around each value (N, C, h, w), at least `SMALLEST`."""
        rows = values.transpose(0, 1).reshape(self.channels, 1, -1)
        lower, upper = self.logits(rows - 0.5), self.logits(rows + 0.5)
        # Taken on the side of the tail where the two differ most.
        sign = -(lower + upper).detach().sign()
        found = (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs()
        n, channels, height, width = values.shape
        return at_least(found.reshape(channels, n, height, width).transpose(0, 1), SMALLEST)

    def cumulative(self, values: Tensor) -> Tensor:
        """Returns the cumulative distribution of every channel at values (n,), float64 (C, n) on the CPU.

        In float64, so that tables made of it do not depend on the machine but in a last bit that they do not have.
        """
        with torch.no_grad():
            exact = Factorized.__new__(Factorized)
            nn.Module.__init__(exact)
            for name in ("matrices", "biases", "factors"):
                setattr(exact, name, [each.detach().cpu().double() for each in getattr(self, name)])
            rows = values.double().expand(self.channels, 1, -1)
            return torch.sigmoid(exact.logits(rows))[:, 0]
