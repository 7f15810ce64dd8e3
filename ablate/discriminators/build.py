"""Builds discriminators of a kind, with weights from named random streams."""

from __future__ import annotations

import torch

from ablate.discriminators.catalogue import discriminators
from ablate.discriminators.discriminator import Discriminator, DiscriminatorFactory
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.code import Code
from ablate.rng import stream


def build_discriminator(
    settings: DiscriminatorSettings, seed: int, kind: str = "patches", code: Code | None = None
) -> Discriminator:
    """Builds the discriminators of a kind for a codec that sends symbols of the shape `code`, or none."""
    factory: DiscriminatorFactory = discriminators[kind].function
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(stream(seed, "discriminator.init").get_state())
        discriminator = factory(settings, code)
    discriminator.initialise(seed)
    return discriminator


def count_parameters(settings: DiscriminatorSettings, kind: str, code: Code | None) -> int:
    """Returns the number of weights of the discriminators of all scales, building none."""
    with torch.device("meta"):
        discriminator: Discriminator = discriminators[kind].function(settings, code)
    return sum(p.numel() for p in discriminator.parameters())
