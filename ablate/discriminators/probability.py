"""The probability with which what discriminators see is augmented: fixed, or adapted to how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from ablate.discriminators.catalogue import augment_probabilities

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class Probability:
    """The probability of each augmentation of each image.

    Attributes:
        first: at the beginning.
        target: of r_t, the mean sign of the logits of images, to which it is adapted; None where it stays.
        images: so many as take it from 0 to 1.
        every: steps of the discriminators between two moves.
    """

    first: float
    target: float | None = None
    images: int = 1
    every: int = 1

    def step(self, batch: int) -> float:
        """Returns by how much it moves at once, with batches of so many images."""
        return batch * self.every / self.images


@augment_probabilities.register(formula="p", source="Zhao et al. 2020, NeurIPS: p = 1")
def fixed(*, probability: Share = 1.0) -> Probability:
    """The same probability throughout; at 1 every image is augmented."""
    return Probability(probability)


@augment_probabilities.register(
    formula=r"p \leftarrow p + \mathrm{sign}(r_t - r) \frac{N k}{\text{images}}, \quad r_t = E[\mathrm{sign} D(x)]",
    source="Karras et al. 2020 (ADA), NeurIPS, section 3, and its release: r_t, target 0.6, every 4 batches, 500,000 "
    "images from 0 to 1",
)
def adaptive(
    *,
    target: Annotated[float, Gt(-1), Lt(1)] = 0.6,
    images: Annotated[int, Ge(1)] = 500_000,
    every: Annotated[int, Ge(1)] = 4,
    first: Share = 0.0,
) -> Probability:
    """Rises while discriminators are surer of images than `target`, and falls otherwise; within 0 and 1.

    `images` are so many as take it from 0 to 1, which the published number is far too large for where trainings are
    short. A logit's sign is that of its distance to where the loss is indifferent.
    """
    return Probability(first, target, images, every)
