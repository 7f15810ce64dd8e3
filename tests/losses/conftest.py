"""Networks with random weights in files, so that losses over published ones are tested where those are absent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablate.networks import imagenet, lpips_heads
from ablate.networks.imagenet import Backbone
from ablate.networks.weights_file import WeightsFile

Weights = dict[str, torch.Tensor]
"""The content of a file of weights."""


@pytest.fixture(scope="session")
def random_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of random weights by the variable that names them; the names within are those of the published ones."""
    folder, generator = tmp_path_factory.mktemp("weights"), torch.Generator().manual_seed(5)
    backbones = (imagenet.VGG19, imagenet.VGG16, imagenet.ALEXNET)
    content = {backbone.weights.variable: random_backbone(backbone, generator) for backbone in backbones}
    content |= {
        heads.weights.variable: random_heads(channels, generator)
        for heads, channels in (
            (lpips_heads.HEADS["vgg"], (64, 128, 256, 512, 512)),
            (lpips_heads.HEADS["alex"], (64, 192, 384, 256, 256)),
        )
    }
    for variable, weights in content.items():
        torch.save(weights, folder / f"{variable}.pth")
    return {variable: folder / f"{variable}.pth" for variable in content}


@pytest.fixture(scope="module")
def random_networks(random_files: dict[str, Path]) -> Iterator[dict[str, Weights]]:
    """Lets the losses find random weights in place of the published ones; returns them by variable."""
    with pytest.MonkeyPatch.context() as patch:

        def found(weights: WeightsFile) -> WeightsFile:
            path = random_files[weights.variable]
            patch.setenv(weights.variable, str(path))
            return replace(weights, sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:8])

        for name in ("VGG19", "VGG16", "ALEXNET"):
            backbone = getattr(imagenet, name)
            patch.setattr(imagenet, name, replace(backbone, weights=found(backbone.weights)))
        for name, backbone in (("vgg", imagenet.VGG16), ("alex", imagenet.ALEXNET)):
            heads = lpips_heads.HEADS[name]
            patch.setitem(lpips_heads.HEADS, name, replace(heads, backbone=backbone, weights=found(heads.weights)))
        yield {variable: torch.load(path, weights_only=True) for variable, path in random_files.items()}


def random_backbone(backbone: Backbone, generator: torch.Generator) -> Weights:
    """Draws weights that keep the size of activations from layer to layer."""
    from torchvision.models import get_model  # takes long to import, and few of the tests here need it

    with torch.device("meta"):
        shapes = {name: each.shape for name, each in get_model(backbone.name).features.state_dict().items()}
    weights = {"classifier.0.bias": torch.zeros(3)}
    for name, shape in shapes.items():
        fan_in = shape[1:].numel() if len(shape) > 1 else 200
        weights[f"features.{name}"] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
    return weights


def random_heads(channels: tuple[int, ...], generator: torch.Generator) -> Weights:
    return {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1, generator=generator) for i, c in enumerate(channels)}
