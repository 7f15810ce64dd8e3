"""A penalty on the discriminators, and its inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ablate.late_torch import Tensor, nn, torch
from ablate.losses.adversarial_loss import Memory
from ablate.rng import to_device

REDUCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda logits: logits.mean((1, 2, 3)),
    "sum": lambda logits: logits.sum((1, 2, 3)),
    "sqrt": lambda logits: logits.sum((1, 2, 3)) / math.sqrt(logits[0].numel()),
}
"""How the M patch logits (N, 1, h, w) of an image become its score S (N,), which penalties differentiate or compare:
their mean, their sum, or their sum over sqrt(M). What is squared of S grows as 1, M^2 and M from one to the other."""


@dataclass(frozen=True, kw_only=True)
class PenaltyInputs:
    """The discriminator step that a penalty is added to; everything is float32, outside autocast.

    Attributes:
        image: (N, 3, H, W) in [-1, 1], without gradient.
        reconstruction: the same shape, detached from the codec.
        real: each scale's logits (N, 1, h, w) of the image, differentiable in the discriminators' weights.
        fake: the same of the reconstruction.
        logits: any images to each scale's logits, differentiable in images and weights, also twice.
        stream: where a penalty draws from, on the CPU; its own, so that drawing shifts nothing else.
        memory: what the penalty kept; it may be replaced entry by entry.
    """

    image: Tensor
    reconstruction: Tensor
    real: Sequence[Tensor]
    fake: Sequence[Tensor]
    logits: Callable[[Tensor], Sequence[Tensor]]
    stream: torch.Generator
    memory: Memory = field(default_factory=dict)

    def uniform(self, *shape: int) -> Tensor:
        """Draws from [0, 1) on the CPU, so that devices agree, and returns it in the image's type and on its device."""
        return to_device(torch.rand(shape, generator=self.stream), self.image.device).to(self.image.dtype)

    def normal(self, *shape: int) -> Tensor:
        """Draws from the standard normal distribution, on the CPU as well."""
        return to_device(torch.randn(shape, generator=self.stream), self.image.device).to(self.image.dtype)


@dataclass(frozen=True)
class OfGradient:
    """What a penalty makes of the discriminators' gradient at some points, to be computed by other code.

    Attributes:
        cost: squared norms to a scalar.
        norm: "sample" or "pixel", what the norms are taken over.
        reduced: the gradient (N, 3, H, W) to a scalar, of weight 1: `cost` of its squared norms.
        by: returns the penalty with another function in the place of `reduced`.
    """

    cost: Callable[[Tensor], Tensor]
    norm: str
    reduced: Callable[[Tensor], Tensor]
    by: Callable[[Callable[[Tensor], Tensor]], Penalty]


@dataclass(frozen=True)
class Penalty:
    """A term of the discriminators' loss, a constraint on their weights, or both.

    Attributes:
        term: one weighted scalar for each scale, to be reduced over scales as the loss itself is; None for no term.
        every: the term is added every so many steps; it is as many times larger already (lazy regularisation).
        constrain: changes the discriminators' weights in place after each of their steps.
        of_gradient: where the term is a function of the discriminators' gradient, which one.

    Raises:
        ValueError: if `every` is less than 1.
    """

    term: Callable[[PenaltyInputs], Sequence[Tensor]] | None = None
    every: int = 1
    constrain: Callable[[nn.Module], None] | None = None
    of_gradient: OfGradient | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"a penalty is added every 1 or more steps, not every {self.every}")
