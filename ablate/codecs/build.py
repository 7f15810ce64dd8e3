"""Builds the codec that settings name, with weights from named random streams."""

from __future__ import annotations

import torch

from ablate.codecs.catalogue import codecs
from ablate.codecs.codec import TrainableCodec
from ablate.codecs.settings import Model
from ablate.rng import stream


def build_codec(settings: Model, seed: int) -> TrainableCodec:
    """Builds the codec; no part that has a stream of its own shifts what another one draws."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(stream(seed, "codec.init").get_state())
        codec = _unweighted(settings)
    codec.initialise(seed)
    return codec


def restore_codec(settings: Model, weights: dict[str, torch.Tensor]) -> TrainableCodec:
    """Builds the codec with given weights."""
    with torch.random.fork_rng(devices=[]):
        codec = _unweighted(settings)
    codec.load_state_dict(weights)
    return codec


def count_parameters(settings: Model) -> dict[str, int]:
    """Returns the number of weights of each part, building none."""
    with torch.device("meta"):
        codec = _unweighted(settings)
    return {name: sum(p.numel() for p in part.parameters()) for name, part in codec.parts().items()}


def _unweighted(settings: Model) -> TrainableCodec:
    codec: TrainableCodec = codecs[settings.codec.name].function(settings, **settings.codec.options)
    return codec
