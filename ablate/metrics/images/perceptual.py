"""Learned perceptual distances of whole images, over networks whose weights a user brings along."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ablate.metrics.images.pixel import require_images
from ablate.metrics.images.region import require_some, windows
from ablate.metrics.metric import Needs
from ablate.plugins import metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ablate.networks.imagenet import Backbone
    from ablate.networks.weights_file import WeightsFile

_LPIPS = "sum over layers of the mean over space of w . (f(x)/|f(x)| - f(y)/|f(y)|)^2"
_DISTS_C = 1e-6
_LPIPS_SOURCE = "Zhang et al. 2018, CVPR, eq. 1; heads v0.1 of the release, 1e-10 added to the norms as there"


def _lpips_weights(network: str) -> Mapping[str, WeightsFile]:
    from ablate.networks import lpips_heads

    heads = lpips_heads.named(network)
    return {"weights_sha256": heads.backbone.weights, "heads_sha256": heads.weights}


def _dists_weights() -> Mapping[str, WeightsFile]:
    from ablate.networks import dists, imagenet

    return {"weights_sha256": imagenet.VGG16.weights, "heads_sha256": dists.WEIGHTS}


@metric(
    label="LPIPS (AlexNet)",
    unit="",
    direction="lower",
    bounds=(0, math.inf),
    place=40,
    needs=Needs(smallest_side=31, weights=lambda: _lpips_weights("alex")),
    formula=f"{_LPIPS}; AlexNet",
    source=_LPIPS_SOURCE,
)
def lpips_alex(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the distance of each pair of uint8 images (N, 3, H, W) over AlexNet: float64 (N,).

    Of a region, bool (H, W), each layer's mean is over the positions that see nothing else but what pads the image.

    Raises:
        ValueError: for images that are not uint8, differ in shape or have a side below 31 pixels, for a region in which
            a layer has no position, or for weights that are absent or other ones.
    """
    return _lpips("alex", originals, reconstructions, region)


@metric(
    label="LPIPS (VGG16)",
    unit="",
    direction="lower",
    bounds=(0, math.inf),
    place=40,
    needs=Needs(smallest_side=16, weights=lambda: _lpips_weights("vgg")),
    formula=f"{_LPIPS}; VGG16",
    source=_LPIPS_SOURCE,
)
def lpips_vgg(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the distance of each pair of uint8 images (N, 3, H, W) over VGG16: float64 (N,).

    Of a region as `lpips_alex`.

    Raises:
        ValueError: for images that are not uint8, differ in shape or have a side below 16 pixels, for a region in which
            a layer has no position, or for weights that are absent or other ones.
    """
    return _lpips("vgg", originals, reconstructions, region)


@metric(
    label="DISTS",
    unit="",
    direction="lower",
    bounds=(0, math.inf),
    place=50,
    needs=Needs(smallest_side=16, weights=_dists_weights),
    formula="1 - sum over channels of alpha l(x, y) + beta s(x, y), of VGG16's maps and the image itself",
    source="Ding et al. 2020, IEEE TPAMI, arXiv 2004.07728, eq. 7 to 9, at the images' own size",
)
def dists(originals: Tensor, reconstructions: Tensor) -> Tensor:
    """Returns the distance of each pair of uint8 images (N, 3, H, W) in structure and texture: float64 (N,).

    Raises:
        ValueError: for images that are not uint8, differ in shape or have a side below 16 pixels, or for weights that
            are absent or other ones.
    """
    import torch

    from ablate.networks import dists as network
    from ablate.networks.exact import exact
    from ablate.networks.imagenet import VGG16

    require_images(originals, reconstructions, VGG16.smallest_side)
    alpha, beta = network.weights(originals.device)
    similarity, first = torch.zeros(len(originals), dtype=torch.float64), 0
    with torch.inference_mode(), exact(originals.device):
        for x, y in zip(*(network.maps(each.float() / 255) for each in (originals, reconstructions)), strict=True):
            mean_x, mean_y = (each.mean(dim=(2, 3)) for each in (x, y))
            spread_x, spread_y = ((each - each.mean(dim=(2, 3), keepdim=True)) for each in (x, y))
            variances = spread_x.square().mean(dim=(2, 3)) + spread_y.square().mean(dim=(2, 3))
            texture = (2 * mean_x * mean_y + _DISTS_C) / (mean_x**2 + mean_y**2 + _DISTS_C)
            structure = (2 * (spread_x * spread_y).mean(dim=(2, 3)) + _DISTS_C) / (variances + _DISTS_C)
            channels = slice(first, first := first + x.shape[1])
            similarity += (alpha[channels] * texture + beta[channels] * structure).sum(dim=1).double().cpu()
    return 1 - similarity.clone()


def _lpips(network: str, originals: Tensor, reconstructions: Tensor, region: Tensor | None) -> Tensor:
    import torch

    from ablate.networks import imagenet, lpips_heads
    from ablate.networks.exact import exact

    heads = lpips_heads.named(network)
    require_images(originals, reconstructions, heads.backbone.smallest_side)
    with torch.inference_mode(), exact(originals.device):
        total = torch.zeros(len(originals), dtype=torch.float64)
        shift, scale = (
            originals.new_tensor(each, dtype=torch.float32) for each in (lpips_heads.SHIFT, lpips_heads.SCALE)
        )
        shift, scale = shift.reshape(3, 1, 1), scale.reshape(3, 1, 1)
        images = ((each.float() / 127.5 - 1 - shift) / scale for each in (originals, reconstructions))
        maps = zip(*(imagenet.activations(heads.backbone, each) for each in images), strict=True)
        seen = [None] * len(heads.backbone.taps) if region is None else _seen(heads.backbone, region)
        for head, inside, (x, y) in zip(lpips_heads.pretrained(heads, originals.device), seen, maps, strict=True):
            distance = (head * (_unit(x) - _unit(y)).square()).sum(dim=1)
            distance = distance if inside is None else distance[:, None, inside]
            total += distance.mean(dim=(1, 2)).double().cpu()
    return total.clone()


def _seen(backbone: Backbone, region: Tensor) -> list[Tensor]:
    """Returns which positions of each tap's map see nothing but a region of the image, bool (H, W)."""
    from ablate.networks.imagenet import pretrained

    found = []
    for index, layer in enumerate(pretrained(backbone, region.device)):
        if hasattr(layer, "kernel_size"):
            size, stride, padding = (_side(getattr(layer, name)) for name in ("kernel_size", "stride", "padding"))
            region = windows(region, size, stride, padding)
        if index in backbone.taps:
            found.append(require_some(region, f"window of what layer {index} of {backbone.name} sees"))
    return found


def _side(value: int | tuple[int, int]) -> int:
    return value if isinstance(value, int) else value[0]


def _unit(features: Tensor) -> Tensor:
    return features / (features.norm(dim=1, keepdim=True) + 1e-10)
