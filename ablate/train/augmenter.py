"""What the discriminators see: images augmented by draws of their own, with a probability that may adapt itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.discriminators.augmentations import Augmentation
from ablate.discriminators.catalogue import augment_probabilities, augmentations
from ablate.discriminators.probability import Probability
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.losses import AdversarialLoss
from ablate.losses.by_name import built
from ablate.rng import stream, to_device


@dataclass(frozen=True)
class View:
    """The same augmentation of a batch each time, whatever it is shown of that batch; gradients pass through.

    Attributes:
        augmentations: in their order; none for the batch as it is.
        chosen: which image has which augmentation, bool (N, augmentations).
        drawn: the uniform numbers of each augmentation, (N, draws).
    """

    augmentations: Sequence[Augmentation] = ()
    chosen: Tensor | None = None
    drawn: Sequence[Tensor] = ()

    def __call__(self, images: Tensor) -> Tensor:
        """Augments a batch (N, 3, H, W), or several of it in a row, (kN, 3, H, W), all alike."""
        if self.chosen is None:
            return images
        times = len(images) // len(self.chosen)
        for number, (each, drawn) in enumerate(zip(self.augmentations, self.drawn, strict=True)):
            chosen = self.chosen[:, number].repeat(times)[:, None, None, None]
            images = torch.where(chosen, each.apply(images, drawn.repeat(times, 1)), images)
        return images


class Views(NamedTuple):
    """What discriminators see of the images and of the reconstructions of a batch."""

    image: View
    reconstruction: View


PLAIN = Views(View(), View())
"""Both as they are."""


@dataclass
class Augmenter:
    """Draws the views of each step, and adapts the probability to how sure the discriminators are of images.

    Everything that it keeps stays on the device, so that a GPU is not waited for.

    Attributes:
        augmentations: in their order.
        rule: where the probability begins and how it moves.
        seed: of the training.
        shared: whether image and reconstruction have the same draws.
        probability: of each augmentation of each image, a scalar.
        signs: sum of the mean signs of images' logits since it last moved, a scalar.
    """

    augmentations: Sequence[Augmentation]
    rule: Probability
    seed: int
    shared: bool
    probability: Tensor
    signs: Tensor

    @classmethod
    def by(cls, settings: DiscriminatorSettings, seed: int, device: str) -> Augmenter | None:
        """Returns the one that settings ask for, None where nothing is augmented."""
        if not settings.augment:
            return None
        chosen = settings.augment_probability
        rule: Probability = built(augment_probabilities, chosen.name, chosen.options)
        return cls(
            augmentations=[built(augmentations, each.name, each.options) for each in settings.augment],
            rule=rule,
            seed=seed,
            shared=settings.augment_draws == "shared",
            probability=torch.full((), rule.first, device=device),
            signs=torch.zeros((), device=device),
        )

    @property
    def adapts(self) -> bool:
        """Whether the probability moves."""
        return self.rule.target is not None

    def views(self, player: str, number: int, batch: int) -> Views:
        """Draws the views of a batch of so many images, a function of the player and of the number of its step."""
        image = self._view(f"augment.{player}.image", number, batch)
        return Views(image, image if self.shared else self._view(f"augment.{player}.reconstruction", number, batch))

    def _view(self, purpose: str, number: int, batch: int) -> View:
        random, device = stream(self.seed, purpose, number), self.probability.device
        chance = torch.rand(batch, len(self.augmentations), generator=random)
        drawn = [torch.rand(batch, each.draws, generator=random) for each in self.augmentations]
        chosen = to_device(chance, device) < self.probability
        return View(self.augmentations, chosen, [to_device(each, device) for each in drawn])

    def follow(
        self, number: int, batch: int, loss: AdversarialLoss, real: Sequence[Tensor], fake: Sequence[Tensor]
    ) -> None:
        """Adapts the probability to the logits of a step of the discriminators, counted from 0.

        r_t is the mean sign over images, patches and scales; under a relativistic loss a logit is held against the mean
        of the reconstructions' (Karras et al. 2020, section 3.1).
        """
        if self.rule.target is None:
            return
        signs = []
        for images, reconstructions in zip(real, fake, strict=True):
            logits = loss.decision(images.float())
            line = loss.decision(reconstructions.float()).mean() if loss.relative else loss.threshold
            signs.append((logits - line).sign().mean())
        self.signs = self.signs + torch.stack(signs).mean()
        if (number + 1) % self.rule.every == 0:
            direction = (self.signs / self.rule.every - self.rule.target).sign()
            self.probability = (self.probability + direction * self.rule.step(batch)).clamp(0, 1)
            self.signs = torch.zeros_like(self.signs)

    def state_dict(self) -> dict[str, Tensor]:
        """Returns what a resumed training needs."""
        return {"probability": self.probability, "signs": self.signs}

    def load_state_dict(self, saved: dict[str, Tensor]) -> None:
        """Continues from what `state_dict` returned."""
        device = self.probability.device
        self.probability, self.signs = (saved[name].to(device) for name in ("probability", "signs"))
