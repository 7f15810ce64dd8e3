"""The losses by name: what other programs may rely on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses, distortions, penalties
from ablate.losses.distortion_loss import Distortion
from ablate.losses.penalized import Penalty
from ablate.registry import Registry

Logits = Tensor | Sequence[Tensor]
"""Raw logits (N, 1, h, w) of one scale, or of each."""
Reduction = Literal["mean", "sum", "patch_weighted"]


@dataclass(frozen=True)
class MultiScaleLoss:
    """An adversarial loss over any number of scales; the mean runs over batch and patches of each."""

    loss: AdversarialLoss
    reduction: Reduction = "mean"

    def discriminator(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        """Returns what the discriminators minimise, a float32 scalar (float64 for float64 logits).

        Raises:
            ValueError: for shapes that differ between image and reconstruction.
        """
        return self._reduced(self.loss.discriminator, real_logits, fake_logits)

    def generator(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        """Returns what the generator minimises; only relativistic losses look at the image's logits.

        Raises:
            ValueError: for shapes that differ between image and reconstruction.
        """
        return self._reduced(self.loss.generator, real_logits, fake_logits)

    def _reduced(self, function: Callable[[Tensor, Tensor], Tensor], real: Logits, fake: Logits) -> Tensor:
        pairs = _pairs(real, fake)
        return over_scales([function(r, f) for r, f in pairs], [f for _, f in pairs], self.reduction)


def adversarial(name: str, *, reduction: Reduction = "mean", **options: float | int | bool | str) -> MultiScaleLoss:
    """Returns the adversarial loss `name`; `reduction` says how scales are put together.

    Raises:
        ValueError: for a name, an option or a reduction that there is not, with the nearest that there is.
    """
    if reduction not in ("mean", "sum", "patch_weighted"):
        raise ValueError(f"unknown reduction {reduction!r} (there is: mean, sum, patch_weighted)")
    loss: AdversarialLoss = _built(adversarial_losses, name, options)
    return MultiScaleLoss(loss, reduction)


def distortion(name: str, **options: float | int | bool | str) -> Distortion:
    """Returns the distortion `name`: (image, reconstruction), float (N, 3, H, W) in [-1, 1], to a scalar.

    Raises:
        ValueError: for a name or an option that there is not; by the distortion itself, for images that do not fit.
    """
    function: Distortion = _built(distortions, name, options)

    def checked(image: Tensor, reconstruction: Tensor) -> Tensor:
        if image.shape != reconstruction.shape:
            raise ValueError(f"the image is {tuple(image.shape)}, its reconstruction {tuple(reconstruction.shape)}")
        return function(image, reconstruction)

    return checked


def penalty(name: str, **options: float | int | bool | str) -> Penalty:
    """Returns the penalty `name` on discriminators.

    Raises:
        ValueError: for a name or an option that there is not.
    """
    made: Penalty = _built(penalties, name, options)
    return made


def over_scales(losses: Sequence[Tensor], logits: Sequence[Tensor], reduction: str) -> Tensor:
    """Reduces one loss a scale; `logits` are those of the same scales, for their numbers of patches."""
    if reduction == "sum":
        return torch.stack(list(losses)).sum()
    if reduction == "mean":
        return torch.stack(list(losses)).mean()
    # Numbers, and no tensor of them: a GPU would be waited for until it had that.
    patches = [each.shape[-2] * each.shape[-1] for each in logits]
    return torch.stack([loss * n for loss, n in zip(losses, patches, strict=True)]).sum() / sum(patches)


def _built(registry: Registry, name: str, options: dict[str, float | int | bool | str]) -> Any:
    entry = registry[name]
    return entry.function(**entry.resolve(options))


def _pairs(real: Logits, fake: Logits) -> list[tuple[Tensor, Tensor]]:
    reals, fakes = ([each] if isinstance(each, Tensor) else list(each) for each in (real, fake))
    return [(_exact(r), _exact(f)) for r, f in paired(reals, fakes)]


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


def _exact(logits: Tensor) -> Tensor:
    """Losses are computed in float32 whatever the networks ran in; float64 stays."""
    return logits if logits.dtype is torch.float64 else logits.float()
