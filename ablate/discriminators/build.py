"""Builds discriminators of a kind, with weights from named random streams."""

from __future__ import annotations

import torch

from ablate.discriminators.catalogue import PATCH, discriminators
from ablate.discriminators.discriminator import Discriminator, DiscriminatorFactory
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.code import Code
from ablate.rng import stream


def build_discriminator(
    settings: DiscriminatorSettings, seed: int, kind: str = PATCH, code: Code | None = None
) -> Discriminator:
    """Builds the discriminators of a kind for a codec that sends symbols of the shape `code`, or none."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(stream(seed, "discriminator.init").get_state())
        discriminator = _unweighted(settings, kind, code)
    discriminator.initialise(seed)
    return discriminator


def count_parameters(settings: DiscriminatorSettings, kind: str, code: Code | None) -> int:
    """Returns the number of trained weights of the discriminators of all scales, building none."""
    with torch.device("meta"):
        discriminator = _unweighted(settings, kind, code)
    return sum(p.numel() for p in discriminator.parameters())


def _unweighted(settings: DiscriminatorSettings, kind: str, code: Code | None) -> Discriminator:
    factory: DiscriminatorFactory = discriminators[kind].function
    return factory(settings, code, **settings.options_of(kind))
