"""Normalisation layers, against values worked out by hand and another implementation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ablate.layers.norm import BatchNormOfVectors, ChannelNorm, InstanceNorm, latent_norm, norm
from ablate.rng import stream

EXACT = {"rtol": 1e-5, "atol": 1e-6}
"""float32 against float64, over some tens of values of size 1."""


def images(*shape: int, size: float = 1.0) -> Tensor:
    return torch.randn(shape, generator=stream(0, "test.norm")) * size + 3 * size


def scaled(layer: nn.Module, channels: int) -> tuple[Tensor, Tensor]:
    """Gives a layer scales and shifts that no two channels share; returns them, (channels, 1, 1) in float64."""
    weight, bias = torch.arange(1.0, channels + 1), torch.arange(channels) - 0.5
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return weight.double()[:, None, None], bias.double()[:, None, None]


def normal(x: Tensor, dims: tuple[int, ...], epsilon: float) -> Tensor:
    x = x.double()
    return (x - x.mean(dims, keepdim=True)) / (x.var(dims, correction=0, keepdim=True) + epsilon).sqrt()


@pytest.mark.parametrize(
    ("layer", "dims", "epsilon"),
    [(InstanceNorm(4), (2, 3), 1e-6), (ChannelNorm(4), (1,), 1e-3), (BatchNormOfVectors(4), (0,), 1e-3)],
    ids=["instance", "channel", "batch of vectors"],
)
@pytest.mark.parametrize("size", [1.0, 0.02])
def test_each_norm_is_over_its_own_dimensions_with_its_own_epsilon(
    layer: nn.Module, dims: tuple[int, ...], epsilon: float, size: float
) -> None:
    weight, bias = scaled(layer, 4)
    x = images(3, 4, 5, 6, size=size)
    torch.testing.assert_close(layer(x).double(), normal(x, dims, epsilon) * weight + bias, **EXACT)


def test_what_has_no_variance_becomes_the_shift() -> None:
    for layer, x in (
        (InstanceNorm(4), images(2, 4, 1, 1)),
        (BatchNormOfVectors(4), images(1, 4, 2, 3)),
    ):
        _, bias = scaled(layer, 4)
        torch.testing.assert_close(layer(x).double(), bias.expand(x.shape))


def test_each_setting_has_its_layer() -> None:
    kinds = {"instance": InstanceNorm, "channel": ChannelNorm, "none": nn.Identity}
    assert {kind: type(norm(kind, 4)) for kind in kinds} == kinds
    kinds = {"instance": InstanceNorm, "batch": nn.BatchNorm2d, "none": nn.Identity}
    assert {kind: type(latent_norm(kind, 4)) for kind in kinds} == kinds
