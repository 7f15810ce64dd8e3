"""The training objective: named unweighted terms and their weighted sum, for both players."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ablate.config import Loss, Term
from ablate.losses.adversarial_loss import AdversarialLoss, Memory
from ablate.losses.by_name import over_scales, paired
from ablate.losses.catalogue import adversarial_losses, distortions, feature_matchings, penalties
from ablate.losses.distortion_loss import Distortion
from ablate.losses.matching import TermWeight, feature_matching
from ablate.losses.penalized import Penalty, PenaltyInputs
from ablate.registry import Registry


@dataclass(frozen=True)
class Parts:
    """Unweighted terms by name with the weight of each; a weight that is found while training is a tensor."""

    terms: Mapping[str, Tensor]
    weights: Mapping[str, float | Tensor]

    @property
    def total(self) -> Tensor:
        """The weighted sum that is differentiated."""
        return self.weighted(*self.terms)

    def weighted(self, *names: str) -> Tensor:
        """Returns the weighted sum of some terms."""
        return torch.stack([self.weights[name] * self.terms[name] for name in names]).sum()

    def scaled(self, name: str, factor: float | Tensor) -> Parts:
        """Returns the same terms with the weight of one multiplied by `factor`."""
        return Parts(self.terms, {**self.weights, name: self.weights[name] * factor})


@dataclass(frozen=True)
class Objective:
    """Both players' losses as the configuration describes them; always in float32."""

    settings: Loss
    adversarial: AdversarialLoss
    reference: AdversarialLoss
    distortion: Distortion
    perceptual: Distortion
    matching_weight: TermWeight
    penalties: Mapping[str, Penalty]

    @classmethod
    def build(cls, settings: Loss) -> Objective:
        """Looks the configured functions up."""
        return cls(
            settings=settings,
            adversarial=built(adversarial_losses, settings.adversarial),
            reference=built(adversarial_losses, settings.calibrate_to),
            distortion=built(distortions, settings.distortion),
            perceptual=built(distortions, settings.perceptual),
            matching_weight=built(feature_matchings, settings.feature_matching),
            penalties={term.name: built(penalties, term) for term in settings.penalties},
        )

    @property
    def needs_discriminator(self) -> bool:
        """Whether any discriminator is trained at all."""
        return adversarial_losses[self.settings.adversarial.name].facts["trains_discriminator"]

    @property
    def needs_image_logits(self) -> bool:
        """Whether the generator step needs the discriminator's logits of the image."""
        looking = [self.settings.adversarial]
        if self.settings.calibrate == "gradient":
            looking.append(self.settings.calibrate_to)
        return any(adversarial_losses[term.name].facts["generator_sees_real"] for term in looking)

    @property
    def needs_image_features(self) -> bool:
        """Whether the generator step needs the discriminator's features of the image."""
        return self.needs_discriminator and self.settings.feature_matching.name != "none"

    def discriminator(
        self, real: Sequence[Tensor], fake: Sequence[Tensor], memory: Callable[[int], Memory] = lambda _scale: {}
    ) -> Tensor:
        """Returns the discriminators' loss from each scale's logits (N, 1, h, w), reduced over scales.

        `memory` gives what a loss that depends on earlier steps keeps of a scale.
        """
        loss = self.adversarial
        losses = [
            loss.controlled(r.float(), f.float(), memory(scale))
            if loss.controlled
            else loss.discriminator(r.float(), f.float())
            for scale, (r, f) in enumerate(paired(real, fake))
        ]
        return self.settings.discriminator_weight * self.over_scales(losses, fake)

    def penalty(self, inputs: Callable[[str], PenaltyInputs], step: int) -> Tensor:
        """Returns the sum of the penalties that are due at a step, reduced over scales as the loss is.

        Where none is due it is a 0 on the CPU, which can be added to a scalar anywhere.

        Args:
            inputs: what a penalty, given by its name, looks at.
            step: of the discriminators.
        """
        total = torch.zeros(())
        for name, penalty in self.penalties.items():
            if penalty.term is not None and step % penalty.every == 0:
                seen = inputs(name)
                total = total + self.over_scales(penalty.term(seen), seen.fake)
        return total

    def generator(
        self,
        image: Tensor,
        reconstruction: Tensor,
        logits: Sequence[Tensor] = (),
        features: Sequence[Sequence[Tensor]] = (),
        image_logits: Sequence[Tensor] = (),
        image_features: Sequence[Sequence[Tensor]] = (),
    ) -> Parts:
        """Returns the terms of encoder, quantizer and generator.

        Args:
            image: float (N, 3, H, W) in [-1, 1].
            reconstruction: the same shape and range.
            logits: each scale's logits of the reconstruction; none where there is no GAN.
            features: each scale's features of the reconstruction, by layer.
            image_logits: each scale's logits of the image; none where the loss does not look at them.
            image_features: each scale's features of the image; none where they are not matched.
        """
        terms = {"distortion": self.distortion(image, reconstruction.float())}
        weights: dict[str, float | Tensor] = {"distortion": self.settings.lambda_x}
        if self.settings.perceptual.name != "none":
            terms["perceptual"] = self.perceptual(image, reconstruction.float())
            weights["perceptual"] = self.settings.perceptual_weight
        if logits:
            terms["adversarial"] = self.adversarial_term(self.adversarial, logits, image_logits)
            weights["adversarial"] = self.settings.adversarial_weight
        if image_features:
            terms["feature_matching"] = self.matching(image_features, features)
            weights["feature_matching"] = self.settings.feature_matching_weight
        return Parts(terms, weights)

    def adversarial_term(
        self, loss: AdversarialLoss, logits: Sequence[Tensor], image_logits: Sequence[Tensor]
    ) -> Tensor:
        """Returns a loss' unweighted term for the generator, over the scales that the settings let it see."""
        pairs = paired(image_logits, logits) if image_logits else [(each.new_empty(0), each) for each in logits]
        seen = pairs[:1] if self.settings.generator_scales == "finest" else pairs
        losses = [loss.generator(real.float(), fake.float()) for real, fake in seen]
        return self.over_scales(losses, [fake for _, fake in seen])

    def matching(self, image: Sequence[Sequence[Tensor]], reconstruction: Sequence[Sequence[Tensor]]) -> Tensor:
        """Returns the unweighted feature matching of each scale's features by layer."""
        return feature_matching(image, reconstruction, self.matching_weight)

    def over_scales(self, losses: Sequence[Tensor], logits: Sequence[Tensor]) -> Tensor:
        """Reduces one loss a scale as the settings say; `logits` are those of the same scales."""
        return over_scales(losses, logits, self.settings.scale_reduction)


def built(registry: Registry, term: Term) -> Any:
    """Returns what a term's function makes of its options."""
    return registry[term.name].function(**term.options)
