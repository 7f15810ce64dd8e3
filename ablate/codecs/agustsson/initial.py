"""Builds the codec with weights from named random streams."""

from __future__ import annotations

import torch
from torch import nn

from ablate.codecs.agustsson.codec import Codec
from ablate.codecs.agustsson.settings import Model
from ablate.layers.initial import initialise
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


def count_parameters(settings: Model) -> dict[str, int]:
    """Returns the number of weights of encoder, generator and noise branch, building none."""
    with torch.device("meta"):
        codec = Codec(settings)
    parts: dict[str, nn.Module] = {"encoder": codec.encoder, "generator": codec.generator}
    if codec.noise is not None:
        parts["noise"] = codec.noise
    return {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
