"""The training objective: named unweighted terms and their weighted sum, for both players."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.config import Loss
from ablate.losses import Memory, MultiScaleLoss, Penalty, PenaltyInputs
from ablate.losses.by_name import built
from ablate.losses.catalogue import adversarial_losses, penalties
from ablate.losses.distortion_loss import Distortion
from ablate.losses.multi_scale import over_scales
from ablate.objective.choice import Choice
from ablate.objective.terms import Features, Matching, adversarial_of, distortion_of, matching_of


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

    def plus(self, name: str, term: Tensor, weight: float | Tensor) -> Parts:
        """Returns these terms and one more."""
        return Parts({**self.terms, name: term}, {**self.weights, name: weight})

    def scaled(self, name: str, factor: float | Tensor) -> Parts:
        """Returns the same terms with the weight of one multiplied by `factor`."""
        return Parts(self.terms, {**self.weights, name: self.weights[name] * factor})


@dataclass(frozen=True)
class Objective:
    """Both players' losses as the configuration describes them; always in float32."""

    settings: Loss
    adversarial: MultiScaleLoss
    """Of the discriminators."""
    for_generator: MultiScaleLoss
    """Of the generator: the same, unless the settings name another."""
    reference: MultiScaleLoss
    distortion: Distortion
    perceptual: Distortion
    matching: Matching
    penalties: Mapping[str, Penalty]

    @classmethod
    def build(cls, settings: Loss, choice: Choice | None = None) -> Objective:
        """Looks the configured functions up; where there is a choice, each asks at its first use for a backend."""
        adversarial = adversarial_of(settings.adversarial, settings.scale_reduction, choice)
        other = settings.generator if settings.generator.name != "same" else None
        return cls(
            settings=settings,
            adversarial=adversarial,
            for_generator=adversarial_of(other, settings.scale_reduction, choice) if other else adversarial,
            reference=adversarial_of(settings.calibrate_to, settings.scale_reduction),
            distortion=distortion_of(settings.distortion, choice),
            perceptual=distortion_of(settings.perceptual),
            matching=matching_of(settings.feature_matching, choice),
            penalties={term.name: built(penalties, term.name, term.options) for term in settings.penalties},
        )

    @property
    def needs_discriminator(self) -> bool:
        """Whether any discriminator is trained at all."""
        return adversarial_losses[self.settings.adversarial.name].facts["trains_discriminator"]

    @property
    def needs_real_logits(self) -> bool:
        """Whether the generator step needs the discriminator's logits of the image."""
        return self.for_generator.sees_real or (self.settings.calibrate == "gradient" and self.reference.sees_real)

    @property
    def needs_real_features(self) -> bool:
        """Whether the generator step needs the discriminator's features of the image."""
        return self.needs_discriminator and self.settings.feature_matching.name != "none"

    def discriminator(
        self,
        *,
        real_logits: Sequence[Tensor],
        fake_logits: Sequence[Tensor],
        memory: Callable[[int], Memory] | None = None,
    ) -> Tensor:
        """Returns the discriminators' loss from each scale's logits (N, 1, h, w), reduced over scales.

        `memory` gives what a loss that depends on earlier steps keeps of a scale.
        """
        loss = self.adversarial.discriminator(real_logits, fake_logits, memory=memory)
        return self.settings.discriminator_weight * loss

    def penalty(self, inputs: Callable[[str], PenaltyInputs], step: int) -> Tensor:
        """Returns the sum of the penalties that are due at a step, reduced over scales as the loss is.

        Where none is due it is a 0 on the CPU, which can be added to a scalar anywhere.

        Args:
            inputs: those of a penalty, given by its name.
            step: of the discriminators.
        """
        total = torch.zeros(())
        for name, penalty in self.penalties.items():
            if penalty.term is not None and step % penalty.every == 0:
                given = inputs(name)
                total = total + over_scales(penalty.term(given), given.fake, self.settings.scale_reduction)
        return total

    def generator(
        self,
        *,
        image: Tensor,
        reconstruction: Tensor,
        real_logits: Sequence[Tensor] = (),
        fake_logits: Sequence[Tensor] = (),
        real_features: Features = (),
        fake_features: Features = (),
    ) -> Parts:
        """Returns the terms of encoder, quantizer and generator.

        Args:
            image: float (N, 3, H, W) in [-1, 1].
            reconstruction: the same shape and range.
            real_logits: each scale's logits of the image; none where the loss does not look at them.
            fake_logits: those of the reconstruction; none where there is no GAN.
            real_features: each scale's features of the image, by layer; none where they are not matched.
            fake_features: those of the reconstruction.
        """
        terms = {"distortion": self.distortion(image, reconstruction.float())}
        weights: dict[str, float | Tensor] = {"distortion": self.settings.lambda_x}
        if self.settings.perceptual.name != "none":
            terms["perceptual"] = self.perceptual(image, reconstruction.float())
            weights["perceptual"] = self.settings.perceptual_weight
        if fake_logits:
            terms["adversarial"] = self.adversarial_term(
                self.for_generator, real_logits=real_logits, fake_logits=fake_logits
            )
            weights["adversarial"] = self.settings.adversarial_weight
        if real_features:
            terms["feature_matching"] = self.matching(real=real_features, fake=fake_features)
            weights["feature_matching"] = self.settings.feature_matching_weight
        return Parts(terms, weights)

    def adversarial_term(
        self, loss: MultiScaleLoss, *, real_logits: Sequence[Tensor], fake_logits: Sequence[Tensor]
    ) -> Tensor:
        """Returns a loss' unweighted term for the generator, over the scales that the settings let it see."""
        seen = 1 if self.settings.generator_scales == "finest" else len(fake_logits)
        return loss.generator(real_logits[:seen], fake_logits[:seen])
