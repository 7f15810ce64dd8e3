"""Losses on what the discriminators say: adversarial ones on patch logits, feature matching on every layer's maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ablate.bench.case import Kernel, Shape
from ablate.bench.cases.operator import Operation, Sizes, normal
from ablate.bench.names import BACKWARD, FORWARD
from ablate.kernels.by_autograd import Loss
from ablate.losses import adversarial
from ablate.networks.exact import at_least_float32

SCALES, LAYERS, WIDTH = 3, 4, 64
"""Of the source's discriminators: each layer halves the sides and doubles the channels from 64."""

LOGIT_SHAPES: Mapping[str, tuple[Shape, ...]] = {"cpu": (Shape(8, 3, 512, 1024),), "cuda": (Shape(8, 3, 512, 1024),)}
MAP_SHAPES: Mapping[str, tuple[Shape, ...]] = {"cpu": (Shape(1, 3, 256, 256),), "cuda": (Shape(1, 3, 512, 1024),)}
FLOPS = (6.0, 10.0)


def logits_of(shape: Shape) -> tuple[Sizes, Sizes]:
    """Returns the shapes of each scale's patch logits (N, 1, h, w), of the image and of the reconstruction."""
    sizes = [
        (shape.images, 1, _halved(shape.height, scale + LAYERS), _halved(shape.width, scale + LAYERS))
        for scale in range(SCALES)
    ]
    return sizes, sizes


def maps_of(shape: Shape) -> tuple[Sizes, Sizes]:
    """Returns the shapes of the feature maps of all layers of all scales."""
    sizes = [
        (
            shape.images,
            WIDTH << layer,
            _halved(shape.height, scale + layer + 1),
            _halved(shape.width, scale + layer + 1),
        )
        for scale in range(SCALES)
        for layer in range(LAYERS)
    ]
    return sizes, sizes


def _halved(side: int, times: int) -> int:
    """Returns a side after so many strides of 2, rounded up as TensorFlow's padding does."""
    return -(-side // (1 << times))


def _adversarial(loss: str, player: str) -> Kernel:
    name = f"{loss}_{player[0]}"
    operation = Operation(
        operator="adversarial",
        options={"loss": loss, "player": player},
        loss=getattr(adversarial(loss), player),
        sizes=logits_of,
        draw=normal(2.0),
        flops=FLOPS,
        image=player == "discriminator",
    )
    summary = f"{loss}, the {player}'s loss over three scales of patch logits"
    return Kernel(name, summary, (BACKWARD, FORWARD), LOGIT_SHAPES, lambda setting: operation.case(name, setting))


def _all_maps() -> Loss:
    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        pairs = ([at_least_float32(each) for each in pair] for pair in zip(images, reconstructions, strict=True))
        return torch.stack([(y - x).abs().mean() for x, y in pairs]).sum()

    return loss


MATCHING = Operation(
    operator="feature_matching",
    options={},
    loss=_all_maps(),
    sizes=maps_of,
    draw=normal(1.0),
    flops=FLOPS,
)
KERNELS = (
    *(_adversarial(loss, "discriminator") for loss in ("vanilla", "lsgan", "hinge")),
    _adversarial("vanilla", "generator"),
    Kernel(
        "feature_matching",
        "mean absolute errors of all twelve feature maps",
        (BACKWARD, FORWARD),
        MAP_SHAPES,
        lambda setting: MATCHING.case("feature_matching", setting),
    ),
)
