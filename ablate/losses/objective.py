"""The training objective: named unweighted terms and their weighted sum, for both players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.config import Loss
from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.losses.matching import TermWeight, feature_matching
from ablate.losses.pixel import Distortion
from ablate.registry import adversarial_losses, distortions, feature_matchings


@dataclass(frozen=True)
class Parts:
    """Unweighted terms by name with the weight of each."""

    terms: Mapping[str, Tensor]
    weights: Mapping[str, float]

    @property
    def total(self) -> Tensor:
        """The weighted sum that is differentiated."""
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()


@dataclass(frozen=True)
class Objective:
    """Both players' losses as the configuration describes them; always in float32."""

    settings: Loss
    adversarial: AdversarialLoss
    distortion: Distortion
    matching_weight: TermWeight

    @classmethod
    def build(cls, settings: Loss) -> Objective:
        """Looks the configured functions up."""
        return cls(
            settings=settings,
            adversarial=adversarial_losses[settings.adversarial.name].function(**settings.adversarial.options),
            distortion=distortions[settings.distortion.name].function(**settings.distortion.options),
            matching_weight=feature_matchings[settings.feature_matching.name].function(
                **settings.feature_matching.options
            ),
        )

    @property
    def needs_discriminator(self) -> bool:
        """Whether any discriminator is trained at all."""
        return adversarial_losses[self.settings.adversarial.name].facts["trains_discriminator"]

    @property
    def needs_image_logits(self) -> bool:
        """Whether the generator step needs the discriminator's logits of the image."""
        return adversarial_losses[self.settings.adversarial.name].facts["generator_sees_real"]

    @property
    def needs_image_features(self) -> bool:
        """Whether the generator step needs the discriminator's features of the image."""
        return self.needs_discriminator and self.settings.feature_matching.name != "none"

    def discriminator(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        """Returns the discriminators' loss from each scale's logits (N, 1, h, w), reduced over scales."""
        losses = [self.adversarial.discriminator(r.float(), f.float()) for r, f in zip(real, fake, strict=True)]
        return self._over_scales(losses, fake)

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
        weights = {"distortion": self.settings.lambda_x}
        if logits:
            seen = logits[:1] if self.settings.generator_scales == "finest" else logits
            beside = image_logits or [each.new_empty(0) for each in logits]
            losses = [self.adversarial.generator(r.float(), f.float()) for r, f in zip(beside, seen, strict=False)]
            terms["adversarial"] = self._over_scales(losses, seen)
            weights["adversarial"] = self.settings.adversarial_weight
        if image_features:
            terms["feature_matching"] = feature_matching(image_features, features, self.matching_weight)
            weights["feature_matching"] = self.settings.feature_matching_weight
        return Parts(terms, weights)

    def _over_scales(self, losses: Sequence[Tensor], logits: Sequence[Tensor]) -> Tensor:
        """Reduces one loss a scale; `logits` are those of the same scales, for their numbers of patches."""
        stacked = torch.stack(list(losses))
        if self.settings.scale_reduction == "sum":
            return stacked.sum()
        if self.settings.scale_reduction == "mean":
            return stacked.mean()
        patches = stacked.new_tensor([each.shape[-2] * each.shape[-1] for each in logits])
        return (stacked * patches).sum() / patches.sum()
