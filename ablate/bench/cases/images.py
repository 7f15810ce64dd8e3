"""Distortions of images: MSE, L1, Charbonnier, the three as one bundle, and MS-SSIM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from ablate.bench.case import Kernel, Shape
from ablate.bench.cases.operator import Operation, images, one_image
from ablate.bench.names import BACKWARD, FORWARD
from ablate.bench.peers import ms_ssim_peers
from ablate.kernels.by_autograd import Loss
from ablate.losses import distortion
from ablate.networks.exact import at_least_float32

POINTWISE_FLOPS = (4.0, 6.0)
TAPS, MOMENTS, ADJOINTS, SCALES = 11, 4, 3, 4 / 3
MS_SSIM_FLOPS = (2 * 2 * TAPS * MOMENTS * SCALES, 2 * 2 * TAPS * (MOMENTS + ADJOINTS) * SCALES)
"""A separable window of 11 taps is 22 multiply-adds a value: of 4 moments forward, of 3 adjoint maps backward, over all
scales, which together hold 4/3 of the finest one's values."""

SHAPES: Mapping[str, tuple[Shape, ...]] = {"cpu": (Shape(8, 3, 256, 256),), "cuda": (Shape(8, 3, 512, 1024),)}


def _weighted(weights: Mapping[str, float]) -> Loss:
    """Returns a weighted sum of distortions with their default options."""
    terms = [(weight, distortion(name)) for name, weight in weights.items()]

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        image, reconstruction = at_least_float32(images[0]), at_least_float32(reconstructions[0])
        (weight, first), *others = terms
        total = weight * first(image, reconstruction)
        for weight, other in others:
            total = total + weight * other(image, reconstruction)
        return total

    return loss


def _pointwise(name: str, summary: str, weights: Mapping[str, float]) -> Kernel:
    operation = Operation(
        operator="distortion",
        options={"mse": 0.0, **weights},
        loss=_weighted(weights),
        sizes=one_image,
        draw=images,
        flops=POINTWISE_FLOPS,
    )
    return Kernel(name, summary, (BACKWARD, FORWARD), SHAPES, lambda setting: operation.case(name, setting))


MS_SSIM = Operation(
    operator="ms_ssim",
    options={},
    loss=_weighted({"ms_ssim": 1.0}),
    sizes=one_image,
    draw=images,
    flops=MS_SSIM_FLOPS,
    peers=ms_ssim_peers,
    build_seconds=60.0,
    share=8.0,
)
KERNELS = (
    _pointwise("mse", "mean squared error", {"mse": 1.0}),
    _pointwise("l1", "mean absolute error", {"l1": 1.0}),
    _pointwise("charbonnier", "L1 rounded off at zero", {"charbonnier": 1.0}),
    _pointwise("bundle", "MSE + L1 + Charbonnier, together", {"mse": 1.0, "l1": 1.0, "charbonnier": 1.0}),
    Kernel(
        "ms_ssim",
        "1 - MS-SSIM over five scales",
        (BACKWARD, FORWARD),
        SHAPES,
        lambda setting: MS_SSIM.case("ms_ssim", setting),
    ),
)
