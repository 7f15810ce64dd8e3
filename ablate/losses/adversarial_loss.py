"""An adversarial loss: a pair of functions of the raw logits of one scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ablate.late_torch import Tensor

Memory = dict[str, Tensor]
"""Tensors that a loss or a penalty keeps from step to step, by name; saved with the training, on its device."""


@dataclass(frozen=True)
class AdversarialLoss:
    """`discriminator(real, fake)` and `generator(real, fake)`: float32 logits (N, 1, h, w) -> scalar, to be minimised.

    The mean runs over batch and patches of one scale; scales are put together elsewhere. `generator` looks at `real`
    only where the registered fact `generator_sees_real` is true; otherwise it may be empty. A logit above `threshold`
    says "image": there the discriminator's loss is indifferent. Where it is so to whatever is added to all logits, as a
    relativistic loss is, a difference says so instead, and `relative` is true. A loss over labels has more channels
    than one, which `needs` names, `decision` turns into such a logit and `channels` makes of one.

    `controlled(real, fake, memory)` is the discriminator's loss where that depends on the steps before, of which it
    replaces what `memory` keeps; `discriminator` is then the loss of the first step.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    threshold: float = 0.0
    relative: bool = False
    decision: Callable[[Tensor], Tensor] = lambda logits: logits
    channels: Callable[[Tensor], Tensor] = lambda logits: logits
    needs: tuple[str, ...] = ("one logit a patch",)
    controlled: Callable[[Tensor, Tensor, Memory], Tensor] | None = None

    def on_logits(self) -> AdversarialLoss:
        """Returns the pair as functions of one logit a patch, for a loss over labels as if there were but one label."""
        return replace(
            self,
            discriminator=lambda real, fake: self.discriminator(self.channels(real), self.channels(fake)),
            generator=lambda real, fake: self.generator(
                self.channels(real) if real.numel() else real, self.channels(fake)
            ),
            decision=lambda logits: logits,
            channels=lambda logits: logits,
            needs=AdversarialLoss.needs,
        )
