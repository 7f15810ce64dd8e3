"""Losses on the discriminators' outputs: adversarial ones on patch logits, feature matching on every layer's maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ablate.bench.case import Shape
from ablate.bench.cases.operator import Operation, Sizes, normal
from ablate.losses import adversarial
from ablate.networks.exact import at_least_float32

SCALES, LAYERS, WIDTH = 3, 4, 64
"""Of the source's discriminators: each layer halves the sides and doubles the channels from 64."""

FLOPS = (6.0, 10.0)


def logits_of(shape: Shape) -> tuple[Sizes, Sizes]:
    """Returns the shapes of each scale's patch logits (N, 1, h, w), of the image and of the reconstruction."""
    sizes = [(shape.images, 1, *_halved(shape, scale + LAYERS)) for scale in range(SCALES)]
    return sizes, sizes


def maps_of(shape: Shape) -> tuple[Sizes, Sizes]:
    """Returns the shapes of the feature maps of all layers of all scales."""
    places = [(scale, layer) for scale in range(SCALES) for layer in range(LAYERS)]
    sizes = [(shape.images, WIDTH << layer, *_halved(shape, scale + layer + 1)) for scale, layer in places]
    return sizes, sizes


def _halved(shape: Shape, times: int) -> tuple[int, int]:
    """Returns height and width after so many strides of 2, rounded up as TensorFlow's padding does."""
    return -(-shape.height // (1 << times)), -(-shape.width // (1 << times))


def _adversarial(loss: str, player: str) -> Operation:
    """Returns a player's loss over three scales of patch logits."""
    return Operation(
        name=f"{loss}_{player[0]}",
        shape={"cpu": Shape(8, 3, 512, 1024), "cuda": Shape(8, 3, 512, 1024)},
        operator="adversarial",
        options={"loss": loss, "player": player},
        loss=getattr(adversarial(loss), player),
        sizes=logits_of,
        draw=normal(2.0),
        flops=FLOPS,
        image=player == "discriminator",
    )


def _all_maps(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
    """Returns the sum of the mean absolute errors of all feature maps."""
    pairs = ([at_least_float32(each) for each in pair] for pair in zip(images, reconstructions, strict=True))
    return torch.stack([(y - x).abs().mean() for x, y in pairs]).sum()


KERNELS = (
    *(_adversarial(loss, "discriminator") for loss in ("vanilla", "lsgan", "hinge")),
    _adversarial("vanilla", "generator"),
    Operation(
        name="feature_matching",
        shape={"cpu": Shape(1, 3, 256, 256), "cuda": Shape(1, 3, 512, 1024)},
        operator="feature_matching",
        options={},
        loss=_all_maps,
        sizes=maps_of,
        draw=normal(1.0),
        flops=FLOPS,
    ),
)
