"""The kinds of discriminators by name. Looking one up imports no torch; building one does."""

from __future__ import annotations

from ablate.plugins.checked import complete
from ablate.registry import Registry

PATCH = "patch"
"""The kind with a logit for each patch. Losses that name it take any kind that is no other loss' own."""

augmentations = Registry(
    "augmentation",
    "ablate.discriminators.augmentations",
    facts={"moves": False},
)
"""Each returns an Augmentation. Fact: whether what it changes is where something is in an image."""

augment_probabilities = Registry("augmentation probability", "ablate.discriminators.probability")
"""Each returns a Probability."""

discriminators = Registry(
    "discriminator kind",
    "ablate.discriminators.kinds",
    facts={"of_loss": False, "check": None, "network": None, "sent": False, "maps": False},
    check=complete("a Discriminator", "forward", "initialise", "scales"),
)
"""Each a DiscriminatorFactory, whose options are keyword-only. Facts: whether only losses that name it have it; what
refuses settings and a crop that it cannot be trained on; what says, from its options, which frozen network it
judges through, by the sha256 of the weights; whether it looks, place by place, at what the codec sent; and whether
images may have channels more, of a label map."""
