"""Builds modules with weights from named random streams."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ablate.config import Cell, Model
from ablate.config import Discriminator as DiscriminatorSettings
from ablate.model.codec import Codec
from ablate.model.discriminator import Discriminator, PatchDiscriminator
from ablate.model.energy import EnergyDiscriminator
from ablate.model.labels import LabelDiscriminator
from ablate.rng import stream


def build_codec(settings: Model, seed: int) -> Codec:
    """Builds the codec; encoder, noise branch and generator draw from streams of their own."""
    with torch.random.fork_rng(devices=[]):
        codec = Codec(settings)
    for name in ("encoder", "noise", "generator"):
        module = getattr(codec, name)
        if module is not None:
            initialise(module, stream(seed, f"{name}.init"))
    return codec


OneScale = Callable[[DiscriminatorSettings], nn.Module]
"""Makes the discriminator of one scale."""


def judge_of(cell: Cell) -> OneScale:
    """Returns which discriminator the cell's adversarial loss needs at each scale."""
    kinds: dict[str, OneScale] = {
        "patches": PatchDiscriminator,
        "energy": EnergyDiscriminator,
        "labels": functools.partial(LabelDiscriminator, model=cell.model),
    }
    return kinds[cell.discriminator_kind]


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


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Fills convolutions with Glorot uniform weights and zero biases (TensorFlow's default, which the source uses)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


def count_parameters(cell: Cell) -> dict[str, int]:
    """Returns the number of weights of encoder, generator, noise branch and all discriminators, building none."""
    with torch.device("meta"):
        codec, discriminator = Codec(cell.model), Discriminator(cell.discriminator, judge_of(cell))
    parts = {"encoder": codec.encoder, "generator": codec.generator, "discriminator": discriminator}
    if codec.noise is not None:
        parts["noise"] = codec.noise
    return {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
