"""The training objective: named unweighted terms and their weighted sum, for both players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.config import Loss
from ablate.losses.adversarial import AdversarialLoss
from ablate.losses.distortion import Distortion
from ablate.losses.matching import TermWeight, feature_matching
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
    def needs_image_features(self) -> bool:
        """Whether the generator step needs the discriminator's features of the image."""
        return self.needs_discriminator and self.settings.feature_matching.name != "none"

    def discriminator(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        """Returns the discriminators' loss from each scale's logits (N, 1, h, w), reduced over scales."""
        return self._over_scales(
            [self.adversarial.discriminator(r.float(), f.float()) for r, f in zip(real, fake, strict=True)]
        )

    def generator(
        self,
        image: Tensor,
        reconstruction: Tensor,
        logits: Sequence[Tensor] = (),
        features: Sequence[Sequence[Tensor]] = (),
        image_features: Sequence[Sequence[Tensor]] = (),
    ) -> Parts:
        """Returns the terms of encoder, quantizer and generator.

        Args:
            image: float (N, 3, H, W) in [-1, 1].
            reconstruction: the same shape and range.
            logits: each scale's logits of the reconstruction; none where there is no GAN.
            features: each scale's features of the reconstruction, by layer.
            image_features: the same of the image; none where they are not matched.
        """
        terms = {"distortion": self.distortion(image, reconstruction.float())}
        weights = {"distortion": self.settings.lambda_x}
        if logits:
            seen = logits[:1] if self.settings.generator_scales == "finest" else logits
            terms["adversarial"] = self._over_scales([self.adversarial.generator(each.float()) for each in seen])
            weights["adversarial"] = self.settings.adversarial_weight
        if image_features:
            terms["feature_matching"] = feature_matching(image_features, features, self.matching_weight)
            weights["feature_matching"] = self.settings.feature_matching_weight
        return Parts(terms, weights)

    def _over_scales(self, losses: Sequence[Tensor]) -> Tensor:
        stacked = torch.stack(list(losses))
        return stacked.mean() if self.settings.scale_reduction == "mean" else stacked.sum()
