"""The first weights of a network, from a named random stream."""

from __future__ import annotations

import torch
from torch import nn


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Fills convolutions with Glorot uniform weights and zero biases (TensorFlow's default, which the source uses)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
