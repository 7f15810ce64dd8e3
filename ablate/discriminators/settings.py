"""The discriminators, with the defects of the source as switches."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ablate.discriminators.catalogue import PATCH, discriminators
from ablate.layers.settings import Norm
from ablate.settings import Settings, added
from ablate.terms import Resolve, Term

KindTerm = Annotated[Term, AfterValidator(Resolve(discriminators, called=False))]


class DiscriminatorQuirks(Settings):
    """Defects of the source's discriminators, each off unless it is what is studied.

    `double_leaky_relu` applies LeakyReLU twice behind each norm (the source's single-scale discriminator).
    `sigmoid_logits` ends in a sigmoid where the loss expects logits.
    """

    double_leaky_relu: bool = False
    sigmoid_logits: bool = False


class DiscriminatorSettings(Settings):
    """The discriminators: of `kind` "patch", `scales` copies of one, each on an image pooled once more.

    With "features" there are `scales` heads, the first on the finest features, with up to `layers` layers.
    """

    kind: KindTerm = added("0.2", Term(name=PATCH))
    scales: int = Field(3, ge=1, le=5)
    width: int = Field(64, ge=4)
    layers: int = Field(4, ge=1, le=6)
    norm: Norm = "instance"
    spectral_norm: bool = False
    quirks: DiscriminatorQuirks = DiscriminatorQuirks()

    def options_of(self, kind: str) -> dict[str, float | int | bool | str]:
        """Returns the options that the settings give a kind; one that a loss brings along has its defaults."""
        return self.kind.options if self.kind.name == kind else {}

    def frozen_network(self, kind: str) -> str | None:
        """Returns the sha256 of the weights that discriminators of a kind judge through, None without such."""
        network = discriminators[kind].facts["network"]
        return network(**self.options_of(kind)) if network else None
