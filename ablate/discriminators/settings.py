"""The discriminators, with the defects of the source as switches."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ablate.discriminators.catalogue import PATCH, augment_probabilities, augmentations, discriminators
from ablate.layers.labels import VOID
from ablate.layers.settings import Norm
from ablate.settings import Settings, added
from ablate.terms import Resolve, ResolveEach, Term

AugmentationTerms = Annotated[tuple[Term, ...], AfterValidator(ResolveEach(augmentations))]
KindTerm = Annotated[Term, AfterValidator(Resolve(discriminators, called=False))]
ProbabilityTerm = Annotated[Term, AfterValidator(Resolve(augment_probabilities))]
ALWAYS = Term(name="fixed", options={"probability": 1.0})


class DiscriminatorQuirks(Settings):
    """Defects of the source's discriminators, each off unless it is what is studied.

    `double_leaky_relu` applies LeakyReLU twice behind each norm (the source's single-scale discriminator).
    `sigmoid_logits` ends in a sigmoid where the loss expects logits.
    """

    double_leaky_relu: bool = False
    sigmoid_logits: bool = False


class DiscriminatorSettings(Settings):
    """The discriminators: of `kind` "patch", `scales` copies of one, each on an image pooled once more.

    With "features" there are `scales` heads, the first on the finest features, with up to `layers` layers;
    with "unet" there is one network, whose encoder has so many.
    `augment` changes image and reconstruction before either player's discriminators see them, in its order, each image
    and each augmentation with `augment_probability`; image and reconstruction by draws of their own, as published, or
    both by the same where `augment_draws` is "shared". With `map_classes` they see the image's label map beside either,
    a channel for each class.
    """

    kind: KindTerm = added("0.2", Term(name=PATCH))
    scales: int = Field(3, ge=1, le=5)
    width: int = Field(64, ge=4)
    layers: int = Field(4, ge=1, le=6)
    norm: Norm = "instance"
    spectral_norm: bool = False
    augment: AugmentationTerms = added("0.2", ())
    augment_probability: ProbabilityTerm = added("0.2", ALWAYS)
    augment_draws: Literal["independent", "shared"] = added("0.2", "independent")
    quirks: DiscriminatorQuirks = DiscriminatorQuirks()
    map_classes: int = added("0.2", 0, ge=0, le=VOID)

    def options_of(self, kind: str) -> dict[str, float | int | bool | str]:
        """Returns the options that the settings give a kind; one that a loss brings along has its defaults."""
        return self.kind.options if self.kind.name == kind else {}

    def frozen_network(self, kind: str) -> str | None:
        """Returns the sha256 of the weights that discriminators of a kind judge through, None without such."""
        network = discriminators[kind].facts["network"]
        return network(**self.options_of(kind)) if network else None
