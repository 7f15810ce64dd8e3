"""Builds discriminators with weights from named random streams."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ablate.discriminators.energy import EnergyDiscriminator
from ablate.discriminators.labels import LabelDiscriminator
from ablate.discriminators.multiscale import Discriminator
from ablate.discriminators.patch import PatchDiscriminator
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.code import Code
from ablate.layers.initial import initialise
from ablate.rng import stream

OneScale = Callable[[DiscriminatorSettings], nn.Module]
"""Makes the discriminator of one scale."""


def one_scale(kind: str, code: Code) -> OneScale:
    """Returns what makes a discriminator of some kind for what a codec sends."""
    kinds: dict[str, OneScale] = {
        "patches": PatchDiscriminator,
        "energy": EnergyDiscriminator,
        "labels": functools.partial(LabelDiscriminator, code=code),
    }
    return kinds[kind]


def build_discriminator(
    settings: DiscriminatorSettings, seed: int, one: OneScale = PatchDiscriminator
) -> Discriminator:
    """Builds the discriminators; each scale draws from a stream of its own, so that one more shifts no other."""
    with torch.random.fork_rng(devices=[]):
        discriminator = Discriminator(settings, one)
    for i, scale in enumerate(discriminator):
        initialise(scale, stream(seed, "discriminator.init", i))
        if settings.spectral_norm:
            _normalise_spectrum(scale, stream(seed, "discriminator.spectral_norm", i))
    return discriminator


def _normalise_spectrum(module: nn.Module, generator: torch.Generator) -> None:
    """Puts spectral norm on every convolution; its first singular vectors are drawn from `generator`."""
    for layer in [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(1 << 62, (), generator=generator)))
            spectral_norm(layer)
