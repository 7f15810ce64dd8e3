"""Distortions of images: MSE, L1, Charbonnier, the three as one bundle, and MS-SSIM."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence

from torch import Tensor

from ablate.bench.case import Shape
from ablate.bench.cases.operator import Operation, images, one_image
from ablate.bench.peers import ms_ssim_peers
from ablate.kernels.by_autograd import Loss
from ablate.losses import distortion
from ablate.networks.exact import at_least_float32

POINTWISE_FLOPS = (4.0, 6.0)
TAPS, MOMENTS, ADJOINTS, SCALES = 11, 4, 3, 4 / 3
MS_SSIM_FLOPS = (2 * 2 * TAPS * MOMENTS * SCALES, 2 * 2 * TAPS * (MOMENTS + ADJOINTS) * SCALES)
"""A separable window of 11 taps is 22 multiply-adds a value: of 4 moments forward, of 3 adjoint maps backward, over all
scales, which together hold 4/3 of the finest one's values."""

SHAPE = {"cpu": Shape(8, 3, 256, 256), "cuda": Shape(8, 3, 512, 1024)}


def _weighted(weights: Mapping[str, float]) -> Loss:
    """Returns a weighted sum of distortions with their default options."""
    terms = [(weight, distortion(name)) for name, weight in weights.items()]

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        image, reconstruction = at_least_float32(images[0]), at_least_float32(reconstructions[0])
        return functools.reduce(operator.add, (weight * term(image, reconstruction) for weight, term in terms))

    return loss


def _pointwise(name: str, **weights: float) -> Operation:
    return Operation(
        name=name,
        shape=SHAPE,
        operator="distortion",
        options={"mse": 0.0, **weights},
        loss=_weighted(weights),
        sizes=one_image,
        draw=images,
        flops=POINTWISE_FLOPS,
    )


KERNELS = (
    _pointwise("mse", mse=1.0),
    _pointwise("l1", l1=1.0),
    _pointwise("charbonnier", charbonnier=1.0),
    _pointwise("bundle", mse=1.0, l1=1.0, charbonnier=1.0),
    Operation(
        name="ms_ssim",
        shape=SHAPE,
        operator="ms_ssim",
        options={},
        loss=_weighted({"ms_ssim": 1.0}),
        sizes=one_image,
        draw=images,
        flops=MS_SSIM_FLOPS,
        peers=ms_ssim_peers,
        build_seconds=60.0,
        share=8.0,
    ),
)
