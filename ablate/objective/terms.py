"""The objective's terms by name, each computed by the backend that was chosen for it, or by its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from ablate.config import Term
from ablate.kernels import KernelLoss
from ablate.kernels.adversarial.spec import FORMS, PLAYERS
from ablate.losses import Memory, MultiScaleLoss, feature_matching
from ablate.losses.by_name import built, over_all_scales
from ablate.losses.catalogue import distortions, feature_matchings
from ablate.losses.distortion_loss import Distortion
from ablate.losses.matching import TermWeight
from ablate.losses.multi_scale import Logits, Reduction, listed
from ablate.objective.choice import Choice

OPERATOR_OF = {"mse": "distortion", "l1": "distortion", "charbonnier": "distortion", "ms_ssim": "ms_ssim"}
"""The operator that computes a distortion; others have the definition alone."""

Features = Sequence[Sequence[Tensor]]
"""Each scale's features by layer."""
Ask = Callable[[Sequence[Tensor]], KernelLoss | None]
"""Tensors of one image to the loss that is used in place of the definition, or None where that is."""


class Matching(Protocol):
    """Unweighted feature matching over all scales and layers."""

    def __call__(self, *, real: Features, fake: Features) -> Tensor:
        """Returns a float32 scalar whose gradient reaches `fake` alone."""
        ...


def adversarial_of(term: Term, reduction: Reduction, choice: Choice | None = None) -> MultiScaleLoss:
    """Returns an adversarial loss whose players each get a backend at their first use, where there is a choice."""
    loss = over_all_scales(term.name, term.options, reduction)
    if choice is None or term.name not in FORMS:
        return loss

    def asking(player: str) -> Ask:
        options = {"loss": term.name, "player": player, "reduction": reduction, **term.options}
        return _at_first_use(lambda tensors: choice.loss(player, term.name, "adversarial", options, tensors))

    return _FastLoss(loss.loss, reduction, loss.sees_real, ask={player: asking(player) for player in PLAYERS})


@dataclass(frozen=True)
class _FastLoss(MultiScaleLoss):
    ask: Mapping[str, Ask] = field(kw_only=True)

    def discriminator(
        self, real_logits: Logits, fake_logits: Logits, *, memory: Callable[[int], Memory] | None = None
    ) -> Tensor:
        real, fake = listed(real_logits), listed(fake_logits)
        fast = self.ask["discriminator"](fake)
        if fast is None:
            return super().discriminator(real, fake, memory=memory)
        return fast(image=real, reconstruction=fake)

    def generator(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        fake = listed(fake_logits)
        fast = self.ask["generator"](fake)
        return super().generator(real_logits, fake) if fast is None else fast(image=(), reconstruction=fake)


def distortion_of(term: Term, choice: Choice | None = None) -> Distortion:
    """Returns a distortion that gets a backend at its first use, where there is a choice."""
    definition: Distortion = built(distortions, term.name, term.options)
    if choice is None or term.name not in OPERATOR_OF:
        return definition
    operator, options = OPERATOR_OF[term.name], distortions[term.name].resolve(term.options)
    if operator == "distortion":
        options = {"mse": 0.0} | options | {term.name: 1.0}
    ask = _at_first_use(lambda tensors: choice.loss("distortion", term.name, operator, options, tensors))

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        fast = ask([reconstruction])
        if fast is None:
            return definition(image, reconstruction)
        return fast(image=[image], reconstruction=[reconstruction])

    return distortion


def matching_of(term: Term, choice: Choice | None = None) -> Matching:
    """Returns feature matching that gets a backend at its first use, where there is a choice."""
    weight: TermWeight = built(feature_matchings, term.name, term.options)
    found: list[KernelLoss | None] = []

    def matching(*, real: Features, fake: Features) -> Tensor:
        images, reconstructions = ([layer for scale in side for layer in scale] for side in (real, fake))
        if not found:
            options = {"weight": weight(len(fake), len(fake[0]))}
            role = "feature_matching"
            found.append(choice.loss(role, role, role, options, reconstructions) if choice else None)
        if found[0] is None:
            return feature_matching(real=real, fake=fake, weight=weight)
        return found[0](image=images, reconstruction=reconstructions)

    return matching


def _at_first_use(ask: Ask) -> Ask:
    """Asks once, and answers the same from then on."""
    found: list[KernelLoss | None] = []

    def answer(tensors: Sequence[Tensor]) -> KernelLoss | None:
        if not found:
            found.append(ask(tensors))
        return found[0]

    return answer
