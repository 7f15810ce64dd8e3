"""The linear heads of LPIPS v0.1: how much each channel of a backbone's activations counts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.late_torch import Tensor, torch
from ablate.networks.imagenet import ALEXNET, VGG16, Backbone
from ablate.networks.weights_file import WeightsFile

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""Normalisation of images in [-1, 1] before the backbone: minus SHIFT, divided by SCALE."""
RELEASE = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1"


@dataclass(frozen=True)
class Heads:
    """One head for each tap of a backbone."""

    backbone: Backbone
    weights: WeightsFile


HEADS = {
    "vgg": Heads(
        VGG16,
        WeightsFile(
            name="lpips-v0.1-vgg.pth",
            sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
            variable="ABLATE_LPIPS_VGG",
            url=f"{RELEASE}/vgg.pth",
        ),
    ),
    "alex": Heads(
        ALEXNET,
        WeightsFile(
            name="lpips-v0.1-alex.pth",
            sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
            variable="ABLATE_LPIPS_ALEX",
            url=f"{RELEASE}/alex.pth",
        ),
    ),
}


def named(network: str) -> Heads:
    """Returns the heads for a backbone by the release's name for it.

    Raises:
        ValueError: for a network that there are no heads for.
    """
    if network not in HEADS:
        raise ValueError(f"lpips has the networks {' and '.join(HEADS)}, not {network!r}")
    return HEADS[network]


@functools.cache
def pretrained(heads: Heads, device: torch.device) -> Sequence[Tensor]:
    """Returns the weights (1, c, 1, 1) of each tap's channels, none negative; one copy for each device.

    Raises:
        ValueError: for weights that are absent or other ones.
    """
    weights = heads.weights.load()
    return [weights[f"lin{index}.model.1.weight"].to(device) for index in range(len(heads.backbone.taps))]
