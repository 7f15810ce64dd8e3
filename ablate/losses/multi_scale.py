"""An adversarial loss over any number of discriminator scales: the one place that puts scales together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from ablate.losses.adversarial_loss import AdversarialLoss, Memory
from ablate.networks.exact import at_least_float32
from ablate.registry import unknown

Logits = Tensor | Sequence[Tensor]
"""Raw logits (N, 1, h, w) of one scale, or of each."""
Reduction = Literal["mean", "sum", "patch_weighted"]


@dataclass(frozen=True)
class MultiScaleLoss:
    """An adversarial loss over any number of scales; the mean runs over batch and patches of each.

    `sees_real` says whether the generator's loss looks at the image's logits.

    Raises:
        ValueError: for a reduction that there is not.
    """

    loss: AdversarialLoss
    reduction: Reduction = "mean"
    sees_real: bool = True

    def __post_init__(self) -> None:
        shares((), self.reduction)

    def discriminator(
        self, real_logits: Logits, fake_logits: Logits, *, memory: Callable[[int], Memory] | None = None
    ) -> Tensor:
        """Returns what the discriminators minimise, a float32 scalar (float64 for float64 logits).

        `memory` gives what a loss that depends on earlier steps keeps of a scale; without it, the loss is that of the
        first step.

        Raises:
            ValueError: for shapes that differ between image and reconstruction, or that the loss is not of.
        """
        pairs = self._pairs(real_logits, fake_logits)
        if memory is None or self.loss.controlled is None:
            losses = [self.loss.discriminator(real, fake) for real, fake in pairs]
        else:
            losses = [self.loss.controlled(real, fake, memory(scale)) for scale, (real, fake) in enumerate(pairs)]
        return over_scales(losses, [fake for _, fake in pairs], self.reduction)

    def generator(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        """Returns what the generator minimises; `real_logits` may be empty where the loss does not look at them.

        Raises:
            ValueError: for shapes that differ between image and reconstruction, or that the loss is not of.
        """
        unseen = not self.sees_real and not listed(real_logits)
        pairs = self._pairs(fake_logits if unseen else real_logits, fake_logits)
        return over_scales([self.loss.generator(r, f) for r, f in pairs], [f for _, f in pairs], self.reduction)

    def _pairs(self, real: Logits, fake: Logits) -> list[tuple[Tensor, Tensor]]:
        return [(at_least_float32(r), at_least_float32(f)) for r, f in self.checked(real, fake)]

    def checked(self, real: Logits, fake: Logits) -> list[tuple[Tensor, Tensor]]:
        """Returns each scale's logits of both images.

        Raises:
            ValueError: for shapes that differ between image and reconstruction, or that the loss is not of.
        """
        pairs, needs = paired(listed(real), listed(fake)), self.loss.needs
        for _, logits in pairs:
            if logits.ndim != 4 or logits.shape[1] != len(needs):
                shape, channels = tuple(logits.shape), " and ".join(needs)
                raise ValueError(f"this loss needs logits (N, {len(needs)}, h, w), {channels}, and these are {shape}")
        return pairs


def over_scales(losses: Sequence[Tensor], logits: Sequence[Tensor], reduction: str) -> Tensor:
    """Reduces one loss a scale; `logits` are those of the same scales, for their numbers of patches."""
    parts, whole = shares(logits, reduction)
    return torch.stack([loss * n if n != 1 else loss for loss, n in zip(losses, parts, strict=True)]).sum() / whole


def shares(logits: Sequence[Tensor], reduction: str) -> tuple[list[int], int]:
    """Returns by how much the loss of each scale counts, as parts of a whole.

    Numbers, and no tensor of them: a GPU would be waited for until it had that.

    Raises:
        ValueError: for a reduction that there is not.
    """
    ones = [1] * len(logits)
    if reduction == "mean":
        return ones, len(ones)
    if reduction == "sum":
        return ones, 1
    if reduction == "patch_weighted":
        patches = [each.shape[-2] * each.shape[-1] for each in logits]
        return patches, sum(patches)
    raise ValueError(unknown("reduction", reduction, list(get_args(Reduction))))


def paired(real: Sequence[Tensor], fake: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Returns each scale's logits of both images; losses broadcast, so that other shapes would pass unnoticed.

    Raises:
        ValueError: for another number of scales, or another shape at one of them.
    """
    if len(real) != len(fake) or not real:
        raise ValueError(f"logits of {len(real)} scales for the image and of {len(fake)} for the reconstruction")
    for scale, (r, f) in enumerate(zip(real, fake, strict=True)):
        if r.shape != f.shape:
            raise ValueError(f"scale {scale}: the image's logits are {tuple(r.shape)}, the other's {tuple(f.shape)}")
    return list(zip(real, fake, strict=True))


def listed(logits: Logits) -> Sequence[Tensor]:
    """Returns each scale's logits."""
    return [logits] if isinstance(logits, Tensor) else logits
