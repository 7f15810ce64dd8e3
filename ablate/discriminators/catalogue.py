"""The kinds of discriminators by name. Looking at the catalogue imports no torch; looking a kind up does."""

from __future__ import annotations

from ablate.plugins.checked import complete
from ablate.registry import Registry

discriminators = Registry(
    "discriminator kind",
    "ablate.discriminators.patch",
    "ablate.discriminators.energy",
    "ablate.discriminators.labels",
    check=complete("a Discriminator", "forward", "initialise", "scales"),
)
"""Each a DiscriminatorFactory. Which one a cell has is a fact of its adversarial loss."""
