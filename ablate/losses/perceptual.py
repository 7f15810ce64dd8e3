"""Distortions over the features of a frozen network: float32, outside autocast, no gradient but the reconstruction's.

The networks are kept once for each device and are no part of the codec. Those of torchvision and the heads of LPIPS
are files that a user brings along; where one is absent, building the distortion says which and how to get it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

from ablate.late_torch import Tensor, torch
from ablate.losses.distortion_loss import Distortion, require_side
from ablate.networks import imagenet, lpips_heads
from ablate.networks.exact import full_precision
from ablate.plugins import distortion

EPSILON = 1e-10
VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)

Maps = Callable[[Tensor], Iterable[Tensor]]
"""float32 images (N, 3, H, W) in [-1, 1] -> a feature map (N, c, h, w) from each layer."""


@distortion(
    formula=r"\frac1L \sum_l E_{h,w} \sum_c |\hat\varphi_l(x) - \hat\varphi_l(\hat x)|^p, \quad "
    r"\hat\varphi = \varphi / \sqrt{\lVert\varphi\rVert_2^2 + \varepsilon}",
    source="after Zhang et al. 2018, equation 1 without learned weights, over EfficientNet-Lite0",
    convention="last block of each of the first `stages` stages; p = 2 or 1; not LPIPS. The metrics fd_lite0_* look "
    "through the same network, the first at stage 5: a cell trained on it must not be judged by them",
    ranges={"stages": (1, 7)},
)
def perceptual_lite0(*, stages: int = 4, distance: str = "squared") -> Distortion:
    """Distance between unit-length features of EfficientNet-Lite0, the mean over stages; 0 to 4 where squared.

    Raises:
        ValueError: for other than 1 to 7 stages or another distance than "squared" and "l1".
    """
    from ablate.networks import lite0  # with torch

    if not 1 <= stages <= len(lite0.LITE0.stage_ends):
        raise ValueError(f"perceptual_lite0 has 1 to {len(lite0.LITE0.stage_ends)} stages, not {stages}")
    if distance not in ("squared", "l1"):
        raise ValueError(f'perceptual_lite0 has the distances "squared" and "l1", not {distance!r}')
    ends = lite0.LITE0.stage_ends[:stages]

    def maps(images: Tensor) -> Iterable[Tensor]:
        blocks = lite0.pretrained(str(images.device)).blocks((images + 1) * 127.5, ends[-1])
        return (block for number, block in enumerate(blocks, start=1) if number in ends)

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        differences = [_unit(theirs) - _unit(ours) for theirs, ours in _through(maps, image, reconstruction)]
        sizes = [d.square() if distance == "squared" else d.abs() for d in differences]
        return torch.stack([size.sum(dim=1).mean() for size in sizes]).mean()

    return distortion


@distortion(
    formula=r"\sum_l w_l\,E|\varphi_l(x) - \varphi_l(\hat x)|, \quad w = 1/32, 1/16, 1/8, 1/4, 1",
    source="Wang et al. 2018 (pix2pixHD), VGGLoss of the release: VGG19, relu1_1 to relu5_1; weight 10 there",
    convention="pix2pixHD feeds [-1, 1] as it is; imagenet_statistics = true feeds what the network was trained on",
    smallest_side=imagenet.VGG19.smallest_side,
)
def vgg(*, imagenet_statistics: bool = False) -> Distortion:
    """Weighted mean absolute differences of the features of VGG19; needs its weights from torchvision.

    Raises:
        ValueError: if the weights are absent or other ones; when called, for a side below 16 pixels.
    """
    backbone = imagenet.VGG19
    backbone.weights.find()  # absent weights are said now and not in the first step

    def maps(images: Tensor) -> Iterable[Tensor]:
        if imagenet_statistics:
            images = _normalised((images + 1) / 2, imagenet.MEAN, imagenet.DEVIATION)
        return imagenet.activations(backbone, images)

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        require_side(image, backbone.smallest_side, "vgg")
        pairs = zip(VGG_WEIGHTS, _through(maps, image, reconstruction), strict=True)
        return torch.stack([weight * (theirs - ours).abs().mean() for weight, (theirs, ours) in pairs]).sum()

    return distortion


def _lpips_smallest_side(*, network: str) -> int:
    return lpips_heads.named(network).backbone.smallest_side


@distortion(
    formula=r"\sum_l E_{h,w} \sum_c w_{l,c}\,(\hat\varphi_l(x) - \hat\varphi_l(\hat x))_c^2, \quad "
    r"\hat\varphi = \varphi / \sqrt{\lVert\varphi\rVert_2^2 + \varepsilon}",
    source="Zhang et al. 2018, equation 1; heads v0.1 of the release",
    convention="vgg is meant for training, alex for reporting: never train and report on the same one; epsilon = 1e-10 "
    "stands inside the root, where the release adds it to the norm and has no gradient at zero features",
    smallest_side=_lpips_smallest_side,
)
def lpips(*, network: str = "vgg") -> Distortion:
    """Learned perceptual distance over VGG16 (vgg) or AlexNet (alex); needs backbone and heads as files.

    Raises:
        ValueError: for another network, or weights that are absent or other ones; when called, for a side below 16
            pixels (vgg) or 31 (alex).
    """
    heads = lpips_heads.named(network)
    backbone = heads.backbone
    for weights in (backbone.weights, heads.weights):
        weights.find()

    def maps(images: Tensor) -> Iterable[Tensor]:
        return imagenet.activations(backbone, _normalised(images, lpips_heads.SHIFT, lpips_heads.SCALE))

    def distortion(image: Tensor, reconstruction: Tensor) -> Tensor:
        require_side(image, backbone.smallest_side, f"lpips with {network}")
        pairs = zip(lpips_heads.pretrained(heads, image.device), _through(maps, image, reconstruction), strict=True)
        terms = [(head * (_unit(theirs) - _unit(ours)).square()).sum(dim=1).mean() for head, (theirs, ours) in pairs]
        return torch.stack(terms).sum()

    return distortion


def _through(maps: Maps, image: Tensor, reconstruction: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
    """Returns what a network makes of image and reconstruction, layer by layer; only the second has a gradient."""
    with full_precision(image.device):
        with torch.no_grad():
            theirs = list(maps(image))
        return list(zip(theirs, maps(reconstruction), strict=True))


def _unit(features: Tensor) -> Tensor:
    """Divides the vector (c) at each position by its length; epsilon inside the root keeps the gradient finite at 0."""
    return features / (features.square().sum(dim=1, keepdim=True) + EPSILON).sqrt()


def _normalised(images: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    return (images - _per_channel(mean, images.device)) / _per_channel(deviation, images.device)


@functools.cache
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Returns (1, 3, 1, 1); kept, as each copy to a GPU would wait for it."""
    return torch.tensor(values, device=device).reshape(1, 3, 1, 1)
