"""Classifiers of torchvision, frozen and cut open after chosen layers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from ablate.late_torch import Tensor, nn, torch
from ablate.networks.weights_file import WeightsFile

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Normalisation of images in [0, 1] before a classifier: minus MEAN, divided by DEVIATION."""


@dataclass(frozen=True)
class Backbone:
    """The convolutions of a classifier.

    Attributes:
        name: of the classifier in torchvision.models.
        weights: its published weights, IMAGENET1K_V1.
        taps: the layers of its `features` whose outputs are looked at, in ascending order.
        smallest_side: the pixels below which nothing arrives at the last of them.
    """

    name: str
    weights: WeightsFile
    taps: tuple[int, ...]
    smallest_side: int


def _published(file: str, variable: str) -> WeightsFile:
    """Describes a file of torchvision, whose names end in the first 8 digits of the sha256."""
    sha256 = file.removesuffix(".pth").rpartition("-")[2]
    return WeightsFile(file, sha256, variable, f"https://download.pytorch.org/models/{file}")


VGG19 = Backbone("vgg19", _published("vgg19-dcbb9e9d.pth", "ABLATE_VGG19"), (1, 6, 11, 20, 29), 16)
"""With relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1."""

VGG16 = Backbone("vgg16", _published("vgg16-397923af.pth", "ABLATE_VGG16"), (3, 8, 15, 22, 29), 16)
"""With relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3."""

ALEXNET = Backbone("alexnet", _published("alexnet-owt-7be5be79.pth", "ABLATE_ALEXNET"), (1, 4, 7, 9, 11), 31)
"""With relu1 to relu5."""


@functools.cache
def pretrained(backbone: Backbone, device: torch.device) -> nn.Sequential:
    """Returns the layers up to the last tap with their published weights, frozen; one copy for each device.

    Raises:
        ValueError: for weights that are absent or other ones.
    """
    from torchvision.models import get_model  # takes long to import, and few cells need it

    with torch.device("meta"):  # neither memory nor random numbers for weights that are replaced at once
        layers: nn.Sequential = get_model(backbone.name, weights=None).features
    weights = {name: tensor for name, tensor in backbone.weights.load().items() if name.startswith("features.")}
    layers.load_state_dict({name.removeprefix("features."): each for name, each in weights.items()}, assign=True)
    return layers[: backbone.taps[-1] + 1].eval().requires_grad_(False).to(device)


def activations(backbone: Backbone, images: Tensor) -> Iterator[Tensor]:
    """Yields the activation (N, c, h, w) at each tap for float32 images (N, 3, H, W), normalised by the caller."""
    x = images
    for index, layer in enumerate(pretrained(backbone, images.device)):
        x = layer(x)
        if index in backbone.taps:
            yield x
