"""What an adversarial loss is: a pair of functions of the raw logits of one scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class AdversarialLoss:
    """`discriminator(real, fake)` and `generator(real, fake)`: float32 logits (N, 1, h, w) -> scalar, to be minimised.

    The mean runs over batch and patches of one scale; scales are put together elsewhere. `generator` looks at `real`
    only where the registered fact `generator_sees_real` is true; otherwise it may be empty. A logit above `threshold`
    says "image": there the discriminator's loss is indifferent. For a relativistic loss it is a difference that says
    so, and `relative` is true.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    threshold: float = 0.0
    relative: bool = False
