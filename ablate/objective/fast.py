"""The training objective with its losses computed by the backends that were chosen for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ablate.config import Loss, Term
from ablate.kernels.adversarial import FORMS
from ablate.losses import AdversarialLoss
from ablate.losses.adversarial_loss import Memory
from ablate.losses.catalogue import adversarial_losses, distortions
from ablate.losses.distortion_loss import Distortion
from ablate.objective.choice import Choice, LossOf
from ablate.objective.objective import Objective

OPERATOR_OF = {"mse": "distortion", "l1": "distortion", "charbonnier": "distortion", "ms_ssim": "ms_ssim"}
"""What computes a distortion; others have the definition alone."""


@dataclass(frozen=True)
class FastObjective(Objective):
    """An objective that asks at each loss' first use which backend it shall have.

    Where there is none but the definition it is what `Objective` is, bit for bit.
    """

    choice: Choice = field(kw_only=True)
    found: dict[str, LossOf | None] = field(default_factory=dict, kw_only=True)

    @classmethod
    def choosing(cls, settings: Loss, choice: Choice) -> FastObjective:
        """Builds the objective of a configuration."""
        plain = Objective.build(settings)
        parts = {name: getattr(plain, name) for name in Objective.__dataclass_fields__}
        return cls(**parts | {"distortion": fast_distortion(settings.distortion, choice)}, choice=choice)

    def discriminator(
        self, real: Sequence[Tensor], fake: Sequence[Tensor], memory: Callable[[int], Memory] = lambda _scale: {}
    ) -> Tensor:
        loss = self._adversarial("discriminator", fake)
        if loss is None:
            return super().discriminator(real, fake, memory)
        return self.settings.discriminator_weight * loss(real, fake)

    def adversarial_term(
        self, loss: AdversarialLoss, logits: Sequence[Tensor], image_logits: Sequence[Tensor]
    ) -> Tensor:
        seen = logits[:1] if self.settings.generator_scales == "finest" else logits
        fast = self._adversarial("generator", seen) if loss is self.adversarial else None
        return super().adversarial_term(loss, logits, image_logits) if fast is None else fast((), seen)

    def matching(self, image: Sequence[Sequence[Tensor]], reconstruction: Sequence[Sequence[Tensor]]) -> Tensor:
        maps = [each for scale in reconstruction for each in scale]
        options = {"weight": self.matching_weight(len(reconstruction), len(reconstruction[0]))}
        loss = self._once("feature_matching", "feature_matching", "feature_matching", options, maps)
        if loss is None:
            return super().matching(image, reconstruction)
        return loss([each for scale in image for each in scale], maps)

    def _adversarial(self, player: str, logits: Sequence[Tensor]) -> LossOf | None:
        term = self.settings.adversarial
        if term.name not in FORMS:
            return None
        options = adversarial_losses[term.name].resolve(term.options)
        options |= {"loss": term.name, "player": player, "reduction": self.settings.scale_reduction}
        return self._once(player, term.name, "adversarial", options, logits)

    def _once(
        self, role: str, name: str, operator: str, options: dict[str, Any], tensors: Sequence[Tensor]
    ) -> LossOf | None:
        if role not in self.found:
            self.found[role] = self.choice.loss(role, name, operator, options, tensors)
        return self.found[role]


def fast_distortion(term: Term, choice: Choice) -> Distortion:
    """Returns a distortion that asks at its first use which backend it shall have."""
    definition: Distortion = distortions[term.name].function(**term.options)
    if term.name not in OPERATOR_OF:
        return definition
    found: list[Callable[[Tensor, Tensor], Tensor]] = []

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        if not found:
            found.append(_fast_distortion(term, choice, reconstruction) or definition)
        return found[0](image, reconstruction)

    return distortion


def _fast_distortion(term: Term, choice: Choice, reconstruction: Tensor) -> Distortion | None:
    options = distortions[term.name].resolve(term.options)
    if OPERATOR_OF[term.name] == "distortion":
        options = {"mse": 0.0} | options | {term.name: 1.0}
    loss = choice.loss("distortion", term.name, OPERATOR_OF[term.name], options, [reconstruction])
    return None if loss is None else lambda image, other: loss([image], [other])
