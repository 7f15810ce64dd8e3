"""Losses that ask at each call what computes them in place of their definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ablate.kernels.differentiable import KernelLoss
from ablate.losses import Memory, MultiScaleLoss
from ablate.losses.catalogue import distortions
from ablate.losses.distortion_loss import Distortion
from ablate.losses.multi_scale import Logits, listed

OPERATOR_OF = {"mse": "distortion", "l1": "distortion", "charbonnier": "distortion", "ms_ssim": "ms_ssim"}
"""The operator that computes a distortion; others have the definition alone."""

Ask = Callable[[Sequence[Tensor], Sequence[Tensor]], KernelLoss | None]
"""The image's tensors, none where they do not count, and the reconstruction's to what computes the loss; None for the
definition."""


@dataclass(frozen=True)
class FastAdversarial(MultiScaleLoss):
    """An adversarial loss whose players are each asked about."""

    ask: Mapping[str, Ask] = field(kw_only=True)

    def discriminator(
        self, real_logits: Logits, fake_logits: Logits, *, memory: Callable[[int], Memory] | None = None
    ) -> Tensor:
        real, fake = listed(real_logits), listed(fake_logits)
        self.checked(real, fake)
        fast = self.ask["discriminator"](real, fake)
        if fast is None:
            return super().discriminator(real, fake, memory=memory)
        return fast(image=real, reconstruction=fake)

    def generator(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        fake = listed(fake_logits)
        self.checked(listed(real_logits) or fake, fake)
        fast = self.ask["generator"]((), fake)
        return super().generator(real_logits, fake) if fast is None else fast(image=(), reconstruction=fake)


def operation(name: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the operator that computes a distortion of `OPERATOR_OF`, and the operator's options."""
    operator, resolved = OPERATOR_OF[name], distortions[name].resolve(options)
    return operator, {"mse": 0.0} | resolved | {name: 1.0} if operator == "distortion" else resolved


def fast_distortion(definition: Distortion, ask: Ask) -> Distortion:
    """Returns a distortion that is asked about."""

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        fast = ask([image], [reconstruction])
        if fast is None:
            return definition(image, reconstruction)
        return fast(image=[image], reconstruction=[reconstruction])

    return distortion
